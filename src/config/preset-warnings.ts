/** What a preset knows of an IdP and the configuration does not fit. */
import { findPreset } from './presets.ts';

interface IssuerEntry {
  /** Where it stands in the config. */
  readonly key: string;
  readonly preset: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly dangerously_accept_id_tokens: boolean;
}

/** Whole sentences; none without a preset. */
export function collectPresetWarnings(entry: IssuerEntry): readonly string[] {
  const preset = findPreset(entry.preset);
  if (preset === undefined) return [];
  const { key, preset: name } = entry;
  const warnings: string[] = [];
  if (preset.issuer?.form.test(entry.issuer) === false) {
    warnings.push(
      `${key}.issuer ${JSON.stringify(entry.issuer)} does not look like an issuer of ${name}, ${preset.issuer.example}: copy iss ` +
        'from one of its tokens',
    );
  }
  if (preset.audience !== undefined && entry.audiences.length === 0) {
    warnings.push(
      `${key}.preset ${name}: aud of its tokens is ${preset.audience}, never resource.url, so all are refused ` +
        `(audience_mismatch). Name it in ${key === 'idp' ? 'resource' : key}.audiences`,
    );
  }
  if (preset.looksLikeIdTokens === true && !entry.dangerously_accept_id_tokens) {
    warnings.push(
      `${key}.preset ${name}: its access tokens are made like ID tokens, so all are refused (id_token) without ` +
        `${key}.dangerously_accept_id_tokens: true, with which whoever gets hold of an ID token for an accepted audience is let in`,
    );
  }
  return warnings;
}

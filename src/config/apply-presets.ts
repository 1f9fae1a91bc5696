/** Puts what a preset knows of an IdP where the file says nothing. */
import type { Draft } from './draft.ts';
import { isRecord, type Path } from './path.ts';
import { UNFILLED } from './preset.ts';
import { findPreset } from './presets.ts';

/** Where issuers stand in a config, the primary one first. */
export function issuerPlaces(draft: Draft): readonly Path[] {
  const additional = draft.valueAt(['idp', 'additional_issuers']);
  const count = Array.isArray(additional) ? additional.length : 0;
  return [['idp'], ...Array.from({ length: count }, (_, index) => ['idp', 'additional_issuers', index])];
}

/** Comes after everything that sets values, and before the schema with its defaults. */
export function applyPresets(draft: Draft): void {
  const idp = draft.valueAt(['idp']);
  const written = isRecord(idp) ? Object.keys(idp) : [];
  for (const place of issuerPlaces(draft)) {
    const entry = draft.valueAt(place);
    if (!isRecord(entry)) continue;
    fillIn(draft, place, entry);
    if (place.length > 1) withhold(entry, written);
  }
}

/** A preset is for one IdP: what it has filled in for the primary issuer is not there to be inherited. */
function withhold(entry: Record<string, unknown>, written: readonly string[]): void {
  for (const [key, value] of Object.entries(UNFILLED)) {
    if (!written.includes(key)) entry[key] ??= value;
  }
}

function fillIn(draft: Draft, place: Path, entry: Record<string, unknown>): void {
  const preset = findPreset(entry['preset']);
  if (preset === undefined) return;
  const own = listAt(draft, [...place, 'audiences']);
  const audiences = own.length > 0 ? own : listAt(draft, ['resource', 'audiences']);
  const scopeClaims = preset.fills.scope_claims.flatMap((claim) => forAudiences(claim, audiences));
  for (const [key, value] of Object.entries({ ...preset.fills, scope_claims: scopeClaims })) {
    const path = [...place, key];
    if (Object.hasOwn(entry, key)) continue;
    entry[key] = value;
    draft.standIn(path, [...place, 'preset']);
    draft.noteFilledIn(path, { by: `preset ${String(entry['preset'])}`, value });
  }
}

function forAudiences(claim: string, audiences: readonly string[]): readonly string[] {
  return claim.includes('{audience}')
    ? audiences.map((audience) => claim.replace('{audience}', () => audience))
    : [claim];
}

function listAt(draft: Draft, path: Path): readonly string[] {
  const value = draft.valueAt(path);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

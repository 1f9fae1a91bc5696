/** What a preset is: facts about the tokens of one IdP, each with its source. */

export interface Preset {
  /** How its issuers look; absent where the operator of the IdP chooses freely. */
  readonly issuer?: { readonly form: RegExp; readonly example: string };
  /** What stands in the audience claim, where it can never be `resource.url`. */
  readonly audience?: string;
  /** Its access tokens hold what marks ID tokens elsewhere. */
  readonly looksLikeIdTokens?: boolean;
  /** Keys of an issuer, as in the file. `{audience}` in a claim stands for each of the configured audiences. */
  readonly fills: {
    readonly scope_claims: readonly string[];
    readonly audience_claim: 'aud' | 'client_id';
  };
}

/** What holds where neither the file nor a preset says anything of what presets fill in. */
export const UNFILLED = { scope_claims: ['scope', 'scp'], audience_claim: 'aud' } as const;

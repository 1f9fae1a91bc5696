/** The phase of a config: how much is verified of a request. */
import type { Config } from './schema.ts';

/** 1 = authenticates nobody, 2 = verifies bearer tokens, 3 = verifies DPoP proofs too. */
export type Phase = 1 | 2 | 3;

/** No `idp` (which `login` brings with it) = 1; `idp` = 2; `idp` and `dpop.enabled` = 3. */
export function phaseOf({ idp, dpop }: Pick<Config, 'idp' | 'dpop'>): Phase {
  if (idp === undefined) return 1;
  return dpop.enabled ? 3 : 2;
}

/** The presets there are, by name; what they fill in stands in `presets/`. */
import type { Preset } from './preset.ts';
import { auth0 } from './presets/auth0.ts';
import { authentik } from './presets/authentik.ts';
import { cognito } from './presets/cognito.ts';
import { dex } from './presets/dex.ts';
import { entra } from './presets/entra.ts';
import { hydra } from './presets/hydra.ts';
import { keycloak } from './presets/keycloak.ts';
import { okta } from './presets/okta.ts';
import { spring } from './presets/spring.ts';
import { zitadel } from './presets/zitadel.ts';

export const PRESET_NAMES = [
  'keycloak',
  'auth0',
  'okta',
  'entra',
  'cognito',
  'authentik',
  'zitadel',
  'dex',
  'hydra',
  'spring',
] as const;

const PRESETS: Readonly<Record<(typeof PRESET_NAMES)[number], Preset>> = {
  keycloak,
  auth0,
  okta,
  entra,
  cognito,
  authentik,
  zitadel,
  dex,
  hydra,
  spring,
};

/** Undefined when there is none of that name. */
export function findPreset(name: unknown): Preset | undefined {
  const known = PRESET_NAMES.find((preset) => preset === name);
  return known && PRESETS[known];
}

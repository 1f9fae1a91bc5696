/** Second step of `make test-idps`: installs what is not there yet, which no test should have to wait for. */
import { installDex } from './dex.ts';
import { installHydra } from './hydra.ts';
import { installKeycloak } from './keycloak.ts';
import { installSpring } from './spring.ts';

const INSTALL: Readonly<Record<string, () => Promise<unknown>>> = {
  keycloak: installKeycloak,
  spring: installSpring,
  dex: installDex,
  hydra: installHydra,
};

/** The names given, or all. */
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(INSTALL);
for (const name of names) await INSTALL[name]?.();

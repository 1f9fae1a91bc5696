/** Where the config file is: `--config`, `$OBEX_CONFIG`, `/etc/obex/obex.yaml`, `./obex.yaml`, in this order. */
import type { Environment } from './expand.ts';

const STANDARD_PLACES = ['/etc/obex/obex.yaml', './obex.yaml'] as const;

export interface LocateOptions {
  /** `--config`; undefined when it was not given. */
  readonly flag: string | undefined;
  readonly env: Environment;
  readonly exists: (path: string) => boolean;
}

/** The file to read, or one line that says what to do. A file that was named and is missing is never passed over. */
export function locateConfigFile({ flag, env, exists }: LocateOptions): { file: string } | { problem: string } {
  const variable = env['OBEX_CONFIG'];
  if (flag === '') return { problem: '--config is empty; name a file' };
  if (flag !== undefined) return exists(flag) ? { file: flag } : { problem: `${flag} (from --config) does not exist` };
  if (variable === '') return { problem: 'OBEX_CONFIG is empty; let it name a config file, or unset it' };
  if (variable !== undefined) {
    return exists(variable) ? { file: variable } : { problem: `${variable} (from $OBEX_CONFIG) does not exist` };
  }
  const file = STANDARD_PLACES.find((place) => exists(place));
  if (file !== undefined) return { file };
  return {
    problem: `no config file: neither ${STANDARD_PLACES.join(' nor ')} exists; name one with --config FILE or OBEX_CONFIG`,
  };
}

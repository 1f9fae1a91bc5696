/** Where the config file is: `--config`, `$OBEX_CONFIG`, `/etc/obex/obex.yaml`, `./obex.yaml`, in this order. Or that there is none. */
import type { Environment } from './expand.ts';
import type { Flags } from './flags.ts';

const STANDARD_PLACES = ['/etc/obex/obex.yaml', './obex.yaml'] as const;

export interface LocateOptions {
  readonly flags: Pick<Flags, 'file' | 'insteadOfFile'>;
  readonly env: Environment;
  readonly exists: (path: string) => boolean;
}

/** `file` undefined: flags stand in its place, and `passedOver` would have been read without them. */
export type ConfigPlace = { readonly file: string | undefined; readonly passedOver?: string | undefined };

/** The file to read, or one line that says what to do. A file that was named and is missing is never passed over. */
export function locateConfigFile({ flags, env, exists }: LocateOptions): ConfigPlace | { readonly problem: string } {
  const { file: flag, insteadOfFile } = flags;
  const variable = env['OBEX_CONFIG'];
  if (insteadOfFile !== undefined) {
    if (variable === undefined) return { file: undefined, passedOver: STANDARD_PLACES.find((place) => exists(place)) };
    const cure = 'unset it, or name the file with --config, which lays the flags over it';
    return { problem: `OBEX_CONFIG is set beside ${insteadOfFile}, with which no file is read; ${cure}` };
  }
  if (flag === '') return { problem: '--config is empty; name a file' };
  if (flag !== undefined) return exists(flag) ? { file: flag } : { problem: `${flag} (from --config) does not exist` };
  if (variable === '') return { problem: 'OBEX_CONFIG is empty; let it name a config file, or unset it' };
  if (variable !== undefined) {
    return exists(variable) ? { file: variable } : { problem: `${variable} (from $OBEX_CONFIG) does not exist` };
  }
  const file = STANDARD_PLACES.find((place) => exists(place));
  if (file !== undefined) return { file };
  return {
    problem: `no config file: neither ${STANDARD_PLACES.join(' nor ')} exists; name one with --config FILE or OBEX_CONFIG, or do without: obex serve --backend URL`,
  };
}

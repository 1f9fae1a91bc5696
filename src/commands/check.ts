/** `obex check`: every problem of a config, or the effective config, its phase and warnings. */
import { accessSync, constants } from 'node:fs';
import { formatProblem, type Phase } from '../config/load.ts';
import { formatEffectiveConfig } from '../config/mask.ts';
import type { Config } from '../config/schema.ts';
import { type Environment, readConfigFile } from './config-file.ts';

export interface CheckOptions {
  /** `--config`; undefined when it was not given. */
  readonly config: string | undefined;
  readonly env: Environment;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const PHASES: Readonly<Record<Phase, string>> = {
  1: 'AUTHENTICATES NOBODY: any bearer token passes; add idp to verify tokens',
  2: 'every request needs a token that the idp has signed for this resource',
  3: 'tokens are verified, and DPoP proofs of possession with them',
};

/** 0 = fine, 1 = the config has problems, 2 = there is no file to check. */
export async function runCheck(options: CheckOptions): Promise<number> {
  const { env, stdout, stderr } = options;
  const found = readConfigFile(options.config, env);
  if ('problem' in found) {
    stderr(`obex: ${found.problem}\n`);
    return 2;
  }
  const { file, outcome: loaded } = found;
  if ('problems' in loaded) {
    for (const problem of loaded.problems) stderr(`${formatProblem(problem)}\n`);
    for (const warning of loaded.warnings) stderr(`warning: ${warning}\n`);
    stderr(loaded.problems.length === 1 ? '1 problem\n' : `${loaded.problems.length} problems\n`);
    return 1;
  }
  stdout(`# ${file}: the effective config, secrets masked\n${formatEffectiveConfig(loaded.config)}\n`);
  stdout(`phase: ${loaded.phase} (${PHASES[loaded.phase]})\n`);
  for (const warning of [...loaded.warnings, ...unreadableFiles(loaded.config)]) stdout(`warning: ${warning}\n`);
  return 0;
}

/** Warnings only: a config is often checked on another machine than the one it is for. */
function unreadableFiles({ obex, backend }: Config): string[] {
  const files = [
    ...(obex.tls.enabled
      ? ([
          ['obex.tls.cert_file', obex.tls.cert_file],
          ['obex.tls.key_file', obex.tls.key_file],
        ] as const)
      : []),
    ['backend.tls.ca_file', backend.tls.ca_file],
  ] as const;
  return files
    .filter(([, file]) => file !== '' && !isReadable(file))
    .map(([key, file]) => `${key}: cannot read ${file} on this machine`);
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

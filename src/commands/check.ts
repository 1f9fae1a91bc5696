/** `obex check`: every problem of a config, or the effective config, its phase and warnings. */
import {
  backendAuthorities,
  issuerAuthorities,
  loginRedisAuthorities,
  readAssertionKey,
  redisAuthorities,
} from '../compose/files.ts';
import { loginFileReaders } from '../compose/login-files.ts';
import { readAuthorities } from '../compose/named-file.ts';
import { findProgramFaults } from '../compose/program-faults.ts';
import { buildTls, judgeTls, readCertificates, readClientAuthorities, readPrivateKey } from '../compose/tls.ts';
import type { WrittenFlags } from '../config/flags.ts';
import { formatProblem, type LoadedConfig } from '../config/load.ts';
import { formatEffectiveConfig } from '../config/mask.ts';
import type { Phase } from '../config/phase.ts';
import type { Config } from '../config/schema.ts';
import { errorField } from '../observe/log.ts';
import { type Environment, readConfig } from './config-file.ts';
import { describeLogin } from './describe-login.ts';
import { describePaths } from './describe-paths.ts';

export interface CheckOptions {
  readonly flags: WrittenFlags;
  /** Warnings make the config not fine. */
  readonly strict: boolean;
  readonly env: Environment;
  readonly nowMs: number;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const PHASES: Readonly<Record<Phase, string>> = {
  1: 'AUTHENTICATES NOBODY: any bearer token passes; add idp to verify tokens',
  2: 'every request needs a token that ISSUER has signed for this resource',
  3: 'tokens are verified, and DPoP proofs of possession with them',
};

/** 0 = fine, 1 = the config has problems, or with `strict` warnings, 2 = there is nothing to check. */
export async function runCheck(options: CheckOptions): Promise<number> {
  const { env, stdout, stderr } = options;
  const found = readConfig(options.flags, env);
  if ('problem' in found) {
    stderr(`obex: ${found.problem}\n`);
    return 2;
  }
  const { outcome: loaded } = found;
  if ('problems' in loaded) {
    for (const problem of loaded.problems) stderr(`${formatProblem(problem)}\n`);
    for (const warning of loaded.warnings) stderr(`warning: ${warning}\n`);
    stderr(`${count(loaded.problems.length, 'problem')}, ${count(loaded.warnings.length, 'warning')}\n`);
    return 1;
  }
  stdout(`# ${found.name}: the effective config, secrets masked\n${formatEffectiveConfig(loaded.config)}\n`);
  for (const line of loaded.filledIn) stdout(`filled in ${line}\n`);
  stdout(`phase: ${loaded.phase} (${describePhase(loaded)})\n`);
  for (const line of [...describePaths(loaded.config), ...describeLogin(loaded.config)]) stdout(`${line}\n`);
  const warnings = [...loaded.warnings, ...onThisMachine(loaded.config, options.nowMs)];
  for (const warning of warnings) stdout(`warning: ${warning}\n`);
  const verdict = `no problems, ${count(warnings.length, 'warning')}`;
  if (warnings.length > 0 && options.strict) {
    stderr(`${verdict}; --strict allows none\n`);
    return 1;
  }
  stdout(warnings.length === 0 ? `${verdict}\n` : `${verdict}; with --strict that is exit code 1\n`);
  return 0;
}

function describePhase({ phase, config: { idp, login } }: LoadedConfig): string {
  const signers = idp?.keys === 'login' ? 'Obex' : login === undefined ? 'the idp' : 'Obex or the idp';
  return PHASES[phase].replace('ISSUER', signers);
}

function count(number: number, noun: string): string {
  if (number === 0) return `no ${noun}s`;
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

/** Warnings only: a config is often checked on another machine than the one it is for. */
function onThisMachine(config: Config, nowMs: number): string[] {
  const { fatal, others } = findProgramFaults(config);
  const problems = [...unusableFiles(config), ...faultsOfCertificates(config, nowMs), ...fatal, ...others];
  return [...new Set(problems)].map((problem) => `on this machine, ${problem}`);
}

function faultsOfCertificates(config: Config, nowMs: number): string[] {
  const file = config.obex.tls.cert_file;
  try {
    const tls = buildTls(config);
    const faults = tls === undefined ? [] : judgeTls(config, tls, nowMs);
    return faults.map(({ problem }) => `obex.tls.cert_file: ${file} ${problem}`);
  } catch {
    // Told with the other files.
    return [];
  }
}

function unusableFiles(config: Config): string[] {
  const { tls } = config.obex;
  const authorities = [
    ...config.servers.map(backendAuthorities),
    redisAuthorities(config),
    loginRedisAuthorities(config),
    { key: 'login.tls.ca_file', path: config.login?.tls.ca_file ?? '' },
    ...issuerAuthorities(config),
  ];
  const each = tls.enabled
    ? [readCertificates, readPrivateKey, readClientAuthorities].map((read) => () => read(tls))
    : [];
  const all = [
    ...each,
    () => buildTls(config),
    ...config.servers.map((server) => () => readAssertionKey(server, undefined)),
    ...authorities.map((file) => () => readAuthorities(file)),
    ...loginFileReaders(config),
  ];
  return all.flatMap(problemOf);
}

function problemOf(build: () => unknown): string[] {
  try {
    build();
    return [];
  } catch (error) {
    return [errorField(error)];
  }
}

/** The stack of docker-compose.yml under a project name, certificates and settings of its own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setDefaultCACertificates } from 'node:tls';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { docker, type Outcome, ROOT, requireDocker, tryDocker } from './docker.ts';

const PROJECT = 'obex-test-stack';
const READY_TIMEOUT_MS = 120_000;

export interface Stack {
  /** Has server.crt and server.key. */
  readonly certs: string;
  /** `docker compose …` with these settings; rejects when it fails. */
  compose(...args: string[]): Promise<string>;
  tryCompose(...args: string[]): Promise<Outcome>;
  /** Id of the container of a service, running or not; empty = there is none. */
  containerOf(service: string): Promise<string>;
  down(): Promise<void>;
}

export interface StackOptions {
  /** Lines of .env beside those of .env.example. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Compose files beside docker-compose.yml. */
  readonly files?: readonly string[];
}

/** Nothing is started yet. What an earlier run has left is removed. */
export async function prepareStack({ settings = {}, files = [] }: StackOptions = {}): Promise<Stack> {
  await requireDocker();
  const folder = createTempFolder('stack');
  const certs = join(folder.path, 'certs');
  const envFile = join(folder.path, '.env');
  const lines = Object.entries({ ...settings, CERTS_DIR: certs }).map(([name, value]) => `${name}=${value}`);
  writeFileSync(envFile, `${readFileSync(join(ROOT, '.env.example'), 'utf8')}\n${lines.join('\n')}\n`);
  const fileArgs = ['docker-compose.yml', ...files].flatMap((file) => ['--file', file]);
  const base = ['compose', '--project-name', PROJECT, '--project-directory', '.', '--env-file', envFile, ...fileArgs];
  const compose = (...args: string[]): Promise<string> => docker([...base, ...args]);
  const down = async (): Promise<void> => {
    await compose('down', '--volumes', '--remove-orphans', '--timeout', '5');
    folder.remove();
  };
  await compose('down', '--volumes', '--remove-orphans', '--timeout', '5');
  return {
    certs,
    compose,
    tryCompose: (...args) => tryDocker([...base, ...args]),
    containerOf: (service) => compose('ps', '--all', '--quiet', service),
    down,
  };
}

/** Lets this process, its MCP clients included, trust what it trusted before and the stack's certificate. */
export function trustCertificateIn(folder: string): void {
  const file = join(folder, 'server.crt');
  if (existsSync(file)) setDefaultCACertificates([readFileSync(file, 'utf8')]);
}

export async function untilReady(...origins: readonly string[]): Promise<void> {
  for (const origin of origins) await untilStatus(`${origin}/ready`, 200);
}

export function untilStatus(url: string, expected: number): Promise<true> {
  return until(
    `${url} to answer ${expected}`,
    async () => {
      const { status } = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      return status === expected || undefined;
    },
    READY_TIMEOUT_MS,
  );
}

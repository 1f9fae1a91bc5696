/** The Docker command line, as a user calls it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** The image that `make docker` builds. */
export const IMAGE = 'obex:dev';

export interface Outcome {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

export interface DockerOptions {
  readonly env?: Readonly<Record<string, string>>;
}

const CURE = `these tests need a Docker engine and Docker Compose (Debian: docker.io and docker-compose; others:
https://docs.docker.com/engine/install/), a user who may call "docker ps", and the free ports 8443 to 8445, 9000, 9001, 9443, 9444`;

/** Runs `docker …` in the repository; resolves whatever its exit code is. */
export async function tryDocker(args: readonly string[], options: DockerOptions = {}): Promise<Outcome> {
  const child = spawn('docker', args, {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  child.once('error', (error) => resolve({ code: null, output: error.message }));
  child.once('close', (code) => resolve({ code, output }));
  return promise;
}

/** Runs `docker …` in the repository; resolves to its output, and rejects with it when it fails. */
export async function docker(args: readonly string[], options: DockerOptions = {}): Promise<string> {
  const { code, output } = await tryDocker(args, options);
  if (code === 0) return output.trim();
  throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${output}`);
}

/** Says the cure where there is no engine. */
export async function requireDocker(): Promise<void> {
  for (const args of [['version'], ['compose', 'version']]) {
    const { code, output } = await tryDocker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${output.trim()}\n${CURE}`);
  }
}

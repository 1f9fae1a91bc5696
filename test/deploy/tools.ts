/** helm and kubectl, as processes. Neither is ever given a cluster: they render and check files. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const TOOLS = join(import.meta.dirname, 'node_modules/.tools');

type Tool = 'helm' | 'kubectl';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function toolPath(tool: Tool): string {
  return join(TOOLS, tool);
}

/** Runs it in the root of the repository, away from any configuration of this user. */
export function run(tool: Tool, ...args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(toolPath(tool), args, {
    cwd: ROOT,
    env: { HOME: TOOLS, KUBECONFIG: '/dev/null' },
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  if (error !== undefined) throw new Error(`${tool} does not run; "make test-deploy" installs it`, { cause: error });
  return { status, stdout, stderr };
}

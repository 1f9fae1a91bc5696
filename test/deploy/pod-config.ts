/** The configuration that Obex finds in its pod: the file at the path it is started with, and the files it names. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatProblem, loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { configMapsOf, containerNamed, obexOf } from './objects.ts';
import type { Rendered } from './rendered.ts';
import { ROOT } from './tools.ts';

export interface PodConfig {
  readonly config: Config;
  readonly phase: number;
  /** Paths outside the image that the file names. */
  readonly files: readonly string[];
  /** What `obex check` prints of it, with the files in place. */
  readonly check: { readonly status: number | null; readonly output: string };
}

const CONFIG_PATH = '/etc/obex/config/obex.yaml';

export function podConfig(set: Rendered): PodConfig {
  const obex = containerNamed(obexOf(set), 'obex');
  assert.deepEqual(obex.args, ['serve', '--config', CONFIG_PATH]);
  const mount = obex.volumeMounts.find(({ mountPath }) => mountPath === dirname(CONFIG_PATH));
  const volume = obexOf(set).spec.template.spec.volumes.find(({ name }) => name === mount?.name);
  const map = configMapsOf(set).find(({ metadata }) => metadata.name === volume?.configMap?.name);
  const text = map?.data['obex.yaml'];
  assert.ok(text !== undefined, `${set.name} mounts its ConfigMap at ${dirname(CONFIG_PATH)}`);
  const env = Object.fromEntries(obex.env.map(({ name, value }) => [name, value]));
  const loaded = loadConfig({ file: set.name, text, env, readFile: contentOf });
  assert.ok('config' in loaded, 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '');
  const files = [...text.matchAll(/(\/etc\/[\w./-]+)/g)].map(([path]) => path);
  return { config: loaded.config, phase: loaded.phase, files, check: check(text, { files, env }) };
}

function contentOf(path: string): string {
  return path.endsWith('/redis-url')
    ? 'redis://obex:a-password@my-tool-redis:6379'
    : 'a-secret-of-more-than-32-characters';
}

/** `obex check` on this machine: `/etc/obex` becomes a folder of the test. */
function check(text: string, { files, env }: { files: readonly string[]; env: Record<string, string> }) {
  const folder = createTempFolder('pod');
  const here = (path: string): string => join(folder.path, path);
  for (const path of [CONFIG_PATH, ...files]) mkdirSync(dirname(here(path)), { recursive: true });
  for (const path of files) writeFileSync(here(path), contentOf(path));
  writeFileSync(here(CONFIG_PATH), text.replaceAll('/etc/obex/', here('/etc/obex/')));
  const args = [join(ROOT, 'src/main.ts'), 'check', '--config', here(CONFIG_PATH)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  folder.remove();
  return { status, output: stdout + stderr };
}

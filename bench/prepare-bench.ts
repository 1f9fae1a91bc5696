/** Makes a bench: divides the cores, starts the backend, issues tokens, copies the release. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTempFolder } from '../test/support/temp-folder.ts';
import type { Bench } from './bench.ts';
import { startBackend } from './contenders/backend.ts';
import { bundleBaseline } from './contenders/baseline.ts';
import { divideCpus, keepOffProxyCore } from './cpus.ts';
import type { Options } from './options.ts';

/** As many as Obex keeps by default. */
const DISTINCT_TOKENS = 10_000;

const RELEASE = join(import.meta.dirname, '../dist');

export async function prepareBench(options: Options): Promise<Bench> {
  if (!existsSync(join(RELEASE, 'obex.mjs'))) throw new Error('dist/obex.mjs is missing: run "make build" first');
  const cpus = divideCpus();
  keepOffProxyCore(cpus);
  const root = createTempFolder('bench').path;
  const write = (name: string, content: string): string => {
    writeFileSync(join(root, name), content);
    return join(root, name);
  };
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  cpSync(RELEASE, folder('dist'), { recursive: true });
  const base = { options, cpus, errorsTo: write('errors.log', ''), write, folder };
  const { backend, issuer } = await startBackend(base);
  const tokens = await issuer.issue(DISTINCT_TOKENS);
  const tokensFile = write('tokens.txt', `${tokens.join('\n')}\n`);
  const baselineBundle = await bundleBaseline(root);
  return { ...base, issuer, tokens, tokensFile, backend, bundle: join(root, 'dist/obex.mjs'), baselineBundle };
}

/** The baseline: this very Obex, bundled as the release is, but on its first engine, `bench/node-http-wire`. */
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Bench } from '../bench.ts';
import type { Contender, ServerSetup } from './contender.ts';
import { startContender } from './contender.ts';
import { setUpObex } from './obex.ts';

const ROOT = join(import.meta.dirname, '../..');

const firstEngine: Plugin = {
  name: 'first-engine',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/wire\/engine\.ts$/ }, () => ({ path: join(ROOT, 'bench/node-http-wire/engine.ts') }));
    onResolve({ filter: /\/demo\.ts$/ }, () => ({ path: './demo.mjs', external: true }));
  },
};

/** Writes the baseline's bundle into a folder of the bench and returns its path. */
export async function bundleBaseline(folder: string): Promise<string> {
  const outfile = join(folder, 'baseline.mjs');
  await build({
    entryPoints: [join(ROOT, 'src/main.ts')],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [firstEngine],
  });
  return outfile;
}

export async function startBaseline(bench: Bench): Promise<Contender> {
  return startContender(bench, await setUpBaseline(bench));
}

export function setUpBaseline(bench: Bench): Promise<ServerSetup> {
  return setUpObex(bench, {
    accessLog: 'off',
    name: 'Obex on its first engine, node:http',
    bundle: bench.baselineBundle,
  });
}

/** Bundles source files with esbuild, each with all it needs but Node, and but for what it imports on demand. */
import { isBuiltin } from 'node:module';
import { basename } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Imported by few, so the release has a file of its own for each. */
export const ON_DEMAND = [
  { source: 'src/commands/demo.ts', file: 'demo.mjs' },
  { source: 'src/commands/certs.ts', file: 'certs.mjs' },
  { source: 'src/state/redis-client.ts', file: 'redis.mjs' },
] as const;

/** Writes `outfile`; names in stack traces stay as they are. `outside`: source files that are found beside it, if at all. */
export async function bundle(source: string, outfile: string, outside: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    plugins: [leaveOutside(outside), nodeModulesByCall],
  });
  return metafile;
}

function leaveOutside(sources: readonly string[]): Plugin {
  const parts = ON_DEMAND.filter(({ source }) => sources.includes(source));
  return {
    name: 'leave-outside',
    setup: ({ onResolve }) => {
      for (const { source, file } of parts) {
        const filter = new RegExp(String.raw`^\..*/${RegExp.escape(basename(source))}$`);
        onResolve({ filter }, () => ({ path: `./${file}`, external: true }));
      }
    },
  };
}

/**
 * Modules of Node are loaded when the first module that wants them runs. Imports would load all of them at the start, and
 * read all of their properties: one of `node:http` loads the whole of `fetch`.
 */
const nodeModulesByCall: Plugin = {
  name: 'node-modules-by-call',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[\w:/]+$/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'node' } : undefined));
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

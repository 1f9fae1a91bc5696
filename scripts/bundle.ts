/** Bundles source files with esbuild, each with all it needs but Node, and but for what it imports on demand. */
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Imported by few, or begun as a thread, so the release has a file of its own for each. */
export const ON_DEMAND = [
  { source: 'src/commands/demo.ts', file: 'demo.mjs' },
  { source: 'src/commands/certs.ts', file: 'certs.mjs' },
  { source: 'src/state/redis-client.ts', file: 'redis.mjs' },
  { source: 'src/login/thread.ts', file: 'login.mjs' },
  { source: 'src/programs/thread.ts', file: 'programs.mjs' },
] as const;

/** What holds oidc-provider, which keeps and finds its models by the names of their classes. */
const NAMED: ReadonlySet<string> = new Set(['src/commands/demo.ts', 'src/login/thread.ts']);

export interface BundleOptions {
  /** Source files that are found beside it, if at all. */
  readonly outside?: readonly string[];
  /** A script whose value is a function that runs the program, given the URL it shall take for its own, and `import`. Default: a module. */
  readonly isScript?: boolean;
}

const SCRIPT = {
  banner: { js: '(async(PROGRAM_URL,PROGRAM_IMPORT)=>{"use strict";' },
  footer: { js: '})' },
  define: { 'import.meta.url': 'PROGRAM_URL' },
} as const;

/** Writes `outfile`, in ASCII; names in stack traces stay as they are. */
export async function bundle(source: string, outfile: string, options: BundleOptions = {}): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: NAMED.has(source),
    charset: 'ascii',
    legalComments: 'none',
    metafile: true,
    plugins: [leaveOutside(options.outside ?? []), withoutPinoOutputs, nodeModulesByCall],
    ...(options.isScript === true && SCRIPT),
  });
  return metafile;
}

function leaveOutside(sources: readonly string[]): Plugin {
  const parts = ON_DEMAND.filter(({ source }) => sources.includes(source));
  return {
    name: 'leave-outside',
    setup: ({ onResolve }) => {
      for (const { source, file } of parts) {
        const filter = new RegExp(String.raw`^\..*/${RegExp.escape(path.basename(source))}$`);
        // Another folder may have a file of that name.
        onResolve({ filter }, (found) =>
          path.resolve(found.resolveDir, found.path) === path.resolve(source)
            ? { path: `./${file}`, external: true }
            : undefined,
        );
      }
    },
  };
}

/** Pino's own ways to write lines. Obex writes its lines by itself, and these load `node:assert` and `node:module` (3 MB, 6 ms). */
const withoutPinoOutputs: Plugin = {
  name: 'without-pino-outputs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:sonic-boom|\.(?:\/lib)?\/transport)$/ }, ({ path, importer }) =>
      /node_modules\/pino\//.test(importer) ? { path, namespace: 'pino-output' } : undefined,
    );
    // Pino asks whether what it is given is an instance.
    onLoad({ filter: /.*/, namespace: 'pino-output' }, () => ({ contents: 'module.exports = class {};' }));
  },
};

/** What Node has loaded anyhow, modules that are themselves what is imported of them (a function, a class, an emitter), and one for whoever has a file of its own. */
const WHOLE = /^(?:node:)?(?:assert|buffer|events|path|process|sqlite|stream|timers|url)(?:\/\w+)?$/;

/**
 * Other modules of Node are loaded when something of them is first used. Imports would load all of them at the start, and the
 * helper by which esbuild turns a CommonJS module into an ES module reads all of their properties, some of which load more:
 * so it is shown an object without any, which gets each from the module when it is asked for it by name, and is good for
 * nothing else, as default import either.
 */
const nodeModulesByCall: Plugin = {
  name: 'node-modules-by-call',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[\w:/]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      if (kind === 'require-call' || WHOLE.test(path)) return { path, namespace: 'node' };
      if (isPlain(process.getBuiltinModule(path))) return { path, namespace: 'node-on-demand' };
      return { errors: [{ text: `${path} is more than an object of exports; add it to WHOLE in scripts/bundle.ts` }] };
    });
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({ contents: `module.exports = ${byCall(path)};` }));
    onLoad({ filter: /.*/, namespace: 'node-on-demand' }, ({ path }) => ({
      contents: `module.exports = Object.create(new Proxy({}, {
        get(_target, name, found) {
          const value = ${byCall(path)}[name];
          Object.defineProperty(found, name, { value });
          return value;
        },
      }));`,
    }));
  },
};

/** False for a function, a class, an emitter: what is shown in its place would be none. */
function isPlain(module: unknown): boolean {
  return typeof module === 'object' && module !== null && Object.getPrototypeOf(module) === Object.prototype;
}

function byCall(module: string): string {
  return `process.getBuiltinModule(${JSON.stringify(module)})`;
}

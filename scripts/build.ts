/** Makes the release: `dist/obex.mjs`, the product in one file without dependencies, and `dist/demo.mjs` beside it. */
import { globSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const DEMO_PARTS = /src\/demo\/|oidc-provider|modelcontextprotocol/;

/** The product knows the demo, with its MCP server and its development IdP, as a file that may be there or not. */
const demoStaysOutside: Plugin = {
  name: 'demo-stays-outside',
  setup: ({ onResolve }) => onResolve({ filter: /\/demo\.ts$/ }, () => ({ path: './demo.mjs', external: true })),
};

const shared: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'esm',
  legalComments: 'linked',
  // Dependencies in CommonJS ask for built-in modules by `require`.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
};

// An executable that is there stays: `make executable` makes it anew after this.
for (const file of globSync('dist/*.mjs*')) await rm(file);
const product = { ...shared, entryPoints: ['src/main.ts'], outfile: 'dist/obex.mjs', plugins: [demoStaysOutside] };
const { metafile } = await build({ ...product, metafile: true });
const strangers = Object.keys(metafile.inputs).filter((input) => DEMO_PARTS.test(input));
if (strangers.length > 0) throw new Error(`the product holds parts of the demo: ${strangers.join(', ')}`);
await build({ ...shared, entryPoints: ['src/commands/demo.ts'], outfile: 'dist/demo.mjs' });

for (const file of ['dist/obex.mjs', 'dist/demo.mjs']) {
  const { size } = await stat(file);
  console.log(`${file} ${Math.round(size / 1024)} KiB`);
}

/** Makes the release: `dist/obex.mjs`, the product without dependencies, and beside it what it imports on demand. */
import { globSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { bundle, ON_DEMAND } from './bundle.ts';
import { formatLicenses } from './third-party-licenses.ts';

const DEMO_PARTS = /src\/demo\/|oidc-provider|modelcontextprotocol/;

// An executable that is there stays.
for (const file of globSync('dist/*.mjs*')) await rm(file);
const { inputs } = await bundle(
  'src/main.ts',
  'dist/obex.mjs',
  ON_DEMAND.map(({ source }) => source),
);
const strangers = Object.keys(inputs).filter((input) => DEMO_PARTS.test(input));
if (strangers.length > 0) throw new Error(`the product holds parts of the demo: ${strangers.join(', ')}`);
const parts = [Object.keys(inputs)];
for (const { source, file } of ON_DEMAND) {
  const part = await bundle(source, `dist/${file}`, []);
  parts.push(Object.keys(part.inputs));
}
await writeFile('dist/third-party-licenses.txt', formatLicenses(parts.flat()));

for (const file of globSync('dist/*.mjs')) {
  const { size } = await stat(file);
  console.log(`${file} ${Math.round(size / 1024)} KiB`);
}

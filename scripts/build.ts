/** Makes the release: `dist/obex.mjs` runs the product, without dependencies; beside it is what it imports on demand. */
import { globSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { formatBillOfMaterials } from './bill-of-materials.ts';
import { bundle, ON_DEMAND } from './bundle.ts';
import { formatLicenses } from './third-party-licenses.ts';
import { writeProgram } from './write-program.ts';

/** Of the demo, and of the threads of login and programs, but for what `obex check` asks of a program without running it. */
const PARTS_OF_OTHERS =
  /src\/demo\/|src\/login\/|src\/programs\/(?!environment|is-folder|user)|oidc-provider|openid-client|light-my-request|modelcontextprotocol/;
/** What several of them import has one file. */
const REDIS = 'src/state/redis-client.ts';
const RELEASE = ['dist/*.mjs*', 'dist/program*'];

// An executable that is there stays.
for (const file of globSync(RELEASE)) await rm(file);
const inputs = await writeProgram('dist');
const strangers = inputs.filter((input) => PARTS_OF_OTHERS.test(input));
if (strangers.length > 0) throw new Error(`the product holds what is not loaded by all: ${strangers.join(', ')}`);
const parts = [inputs];
for (const { source, file } of ON_DEMAND) {
  const part = await bundle(source, `dist/${file}`, { outside: source === REDIS ? [] : [REDIS] });
  parts.push(Object.keys(part.inputs));
}
await writeFile('dist/third-party-licenses.txt', formatLicenses(parts.flat()));
await writeFile('dist/sbom.cdx.json', formatBillOfMaterials(parts.flat(), []));

for (const file of globSync(RELEASE)) {
  const { size } = await stat(file);
  console.log(`${file} ${Math.round(size / 1024)} KiB`);
}

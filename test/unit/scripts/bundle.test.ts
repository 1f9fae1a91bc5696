/** What a bundle makes of modules of Node: all that is read of them is there, or the build fails. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bundle, ON_DEMAND } from '../../../scripts/bundle.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

/** Resolves to what the source exports once it is bundled. */
async function importBundled(context: TestContext, source: string): Promise<Readonly<Record<string, unknown>>> {
  const folder = createTempFolder('bundle');
  context.after(() => folder.remove());
  const [input, output] = [path.join(folder.path, 'source.ts'), path.join(folder.path, 'bundle.mjs')];
  writeFileSync(input, source);
  await bundle(input, output);
  return import(pathToFileURL(output).href);
}

describe('an import of a module of Node', () => {
  it('is read by name, whichever way it was imported', async (context) => {
    const { types } = await importBundled(
      context,
      `import fs from 'node:fs';
      import * as net from 'node:net';
      import { cpus as processors } from 'os';
      export const types = [typeof fs.writeSync, typeof net.isIP, typeof processors, typeof fs.nothing];`,
    );
    assert.deepEqual(types, ['function', 'function', 'function', 'undefined']);
  });

  it('is the module itself where that is a function', async (context) => {
    const { types } = await importBundled(
      context,
      `import assert from 'node:assert/strict';
      import EventEmitter from 'events';
      export const types = [typeof assert, typeof EventEmitter];`,
    );
    assert.deepEqual(types, ['function', 'function']);
  });

  for (const module of ['node:test', 'module', 'node:cluster']) {
    it(`of ${module} fails the build, which names the file and the cure: an object in its place would be none`, (context) =>
      assert.rejects(importBundled(context, `import it from '${module}';\nit;`), {
        message: new RegExp(
          `source\\.ts:1:15: ERROR: .*${module} is more than an object of exports; add it to WHOLE in scripts/bundle\\.ts`,
        ),
      }));
  }
});

describe('the program', () => {
  it('holds nothing that is loaded by few, and of two files of one name the other one', async (context) => {
    const folder = createTempFolder('bundle');
    context.after(() => folder.remove());
    const outside = ON_DEMAND.map(({ source }) => source);
    const { inputs } = await bundle('src/main.ts', path.join(folder.path, 'program.mjs'), { outside });
    const files = Object.keys(inputs);
    const foreign = /src\/(?:login|demo)\/|node_modules\/(?:oidc-provider|openid-client|light-my-request|koa|jose)\//;
    assert.deepEqual(
      files.filter((file) => foreign.test(file)),
      [],
    );
    assert.ok(files.includes('src/workers/thread.ts'));
  });
});

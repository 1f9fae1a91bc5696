/** `bin/obex`, the launcher: which Node it takes, from wherever it was installed, and that it becomes Obex. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { z } from 'zod';
import { createTempFolder } from '../support/temp-folder.ts';

const LAUNCHER = path.join(import.meta.dirname, '../../bin/obex');
const RUNTIME = `node_modules/node-linux-${process.arch}/bin/node`;

/** In place of Obex: says how it was started, and ends with 7. */
const BUNDLE = `console.log(JSON.stringify({ pid: process.pid, node: process.argv0, args: process.argv.slice(2) }));
process.exitCode = 7;
`;

const Started = z.object({ pid: z.number(), node: z.string(), args: z.array(z.string()) });

const ARGS = ['--config', 'a b', ''];

interface Layout {
  /** Where the package lies. This and the other paths are within the folder of the test. */
  readonly package: string;
  /** The folder into which npm has installed Node 26. */
  readonly npmInto?: string;
  /** What the `node` of PATH says it is; undefined = there is none. */
  readonly version?: string;
  /** A symbolic link to start the launcher by. */
  readonly link?: string;
  readonly isBuilt?: boolean;
}

/** Starts the launcher of a package that is laid out in this way. */
function start(context: TestContext, layout: Layout) {
  const temp = createTempFolder('launcher');
  context.after(() => temp.remove());
  const at = (...parts: string[]): string => {
    const file = path.join(temp.path, ...parts);
    mkdirSync(path.dirname(file), { recursive: true });
    return file;
  };
  const launcher = at(layout.package, 'bin/obex');
  copyFileSync(LAUNCHER, launcher);
  if (layout.isBuilt !== false) writeFileSync(at(layout.package, 'dist/obex.mjs'), BUNDLE);
  if (layout.npmInto !== undefined) symlinkSync(process.execPath, at(layout.npmInto, RUNTIME));
  for (const tool of ['readlink', 'uname']) symlinkSync(path.join('/usr/bin', tool), at('path', tool));
  if (layout.version !== undefined) {
    const script = `#!/bin/sh\nif [ "$1" = -v ]; then echo ${layout.version}; else exec ${process.execPath} "$@"; fi\n`;
    writeFileSync(at('path/node'), script, { mode: 0o755 });
  }
  if (layout.link !== undefined) symlinkSync(launcher, at(layout.link));
  const command = layout.link === undefined ? launcher : at(layout.link);
  const env = { PATH: at('path') };
  const { pid, status, stdout, stderr } = spawnSync(command, ARGS, { encoding: 'utf8', env });
  return { pid, status, stdout, stderr: stderr.replaceAll(temp.path, '…'), at };
}

/** Asserts that the process that was started is Obex itself, and gives the Node that it runs on. */
function nodeOf({ pid, status, stdout, stderr }: ReturnType<typeof start>): string {
  assert.deepEqual([status, stderr], [7, '']);
  const { node, ...started } = Started.parse(JSON.parse(stdout));
  assert.deepEqual(started, { pid, args: ARGS });
  return node;
}

describe('bin/obex becomes Obex, in the one process that was started,', () => {
  it('on the node of PATH if that is new enough', (context) => {
    for (const version of ['v26.0.0', 'v30.1.2']) {
      const started = start(context, { package: 'checkout', npmInto: 'checkout', version });
      assert.equal(nodeOf(started), process.execPath);
    }
  });

  const layouts: Readonly<Record<string, Layout>> = {
    'a checkout': { package: 'checkout', npmInto: 'checkout' },
    'npx, and a dependency': {
      package: 'node_modules/obex',
      npmInto: '.',
      link: 'node_modules/.bin/obex',
    },
    'npm install --global': {
      package: 'lib/node_modules/obex',
      npmInto: 'lib/node_modules/obex',
      link: 'bin/obex',
    },
    pnpm: { package: '.pnpm/obex@1/node_modules/obex', npmInto: '.pnpm/obex@1' },
    'a folder with a space': { package: 'my tools/obex', npmInto: 'my tools/obex' },
  };
  for (const [name, layout] of Object.entries(layouts)) {
    for (const version of ['v20.20.2', undefined]) {
      it(`on the Node that npm installed: ${name}, ${version ?? 'no node'} in PATH`, (context) => {
        const started = start(context, { ...layout, ...(version !== undefined && { version }) });
        assert.equal(nodeOf(started), started.at(layout.npmInto ?? '', RUNTIME));
      });
    }
  }
});

describe('bin/obex ends with 2 and one line that says why', () => {
  const refusals: readonly [Layout, string][] = [
    [
      { package: 'checkout', version: 'v20.20.2' },
      'obex: Obex needs Node 26 or newer, and found v20.20.2; install it and start again\n',
    ],
    [{ package: 'checkout' }, 'obex: Obex needs Node 26 or newer, and found none; install it and start again\n'],
    [
      { package: 'checkout', npmInto: 'checkout', isBuilt: false },
      'obex: …/checkout/dist/obex.mjs is missing; in a checkout run "make build" first\n',
    ],
  ];
  for (const [layout, message] of refusals) {
    it(message.trim(), (context) => {
      const { status, stdout, stderr } = start(context, layout);
      assert.deepEqual({ status, stdout, stderr }, { status: 2, stdout: '', stderr: message });
    });
  }
});

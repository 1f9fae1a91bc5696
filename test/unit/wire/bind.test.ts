/** Listening on a unix socket: what stands at the path is replaced only if it is a dead socket. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { bind } from '../../../src/wire/bind.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

describe('a path that holds a file', () => {
  it('is refused, and the file is left as it was: a file that is no socket refuses connections too', async () => {
    const file = path.join(createTempFolder('bind').path, 'precious.txt');
    writeFileSync(file, 'precious');
    await assert.rejects(bind(createServer(), { path: file }), /cannot listen on/);
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });
});

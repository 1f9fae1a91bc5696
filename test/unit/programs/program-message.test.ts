/** Which lines of a program are messages, and of what kind. JSON-RPC 2.0 §4, §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readProgramMessage } from '../../../src/programs/program-message.ts';

function summary(line: string | Buffer): unknown {
  const message = readProgramMessage(Buffer.from(line));
  if (message === undefined) return undefined;
  return message.kind === 'response'
    ? [message.kind, message.id, message.isError, message.code]
    : [message.kind, message.method];
}

describe('readProgramMessage', () => {
  for (const [line, expected] of [
    ['{"jsonrpc":"2.0","id":1,"result":{}}', ['response', 1, false, undefined]],
    ['{"jsonrpc":"2.0","id":"a","result":null}\r', ['response', 'a', false, undefined]],
    [' \t{"id":1,"result":{},"ts":1,"method":null}', ['response', 1, false, undefined]],
    ['{"id":1,"error":{"code":-1,"message":"x"}}', ['response', 1, true, -1]],
    ['{"id":1,"error":"text"}', ['response', 1, true, undefined]],
    ['{"id":1,"error":null,"result":{}}', ['response', 1, false, undefined]],
    ['{"id":null,"error":{"code":-32700}}', ['response', null, true, -32700]],
    ['{"error":{"code":-32700}}', ['response', null, true, -32700]],
    ['{"jsonrpc":"1.0","method":"x","id":1}', ['request', 'x']],
    ['{"method":"notifications/x","params":[1]}', ['notification', 'notifications/x']],
    ['{"id":null,"result":{}}', undefined],
    ['{"result":{}}', undefined],
    ['{"id":true,"error":{}}', undefined],
    ['{"id":1}', undefined],
    ['{"level":"info","msg":"started"}', undefined],
    ['[{"id":1,"result":{}}]', undefined],
    ['{"id":1,"result":{}', undefined],
    ['"text"', undefined],
    ['null', undefined],
    ['', undefined],
    ['Listening on stdio', undefined],
  ] as const) {
    it(JSON.stringify(line), () => assert.deepEqual(summary(line), expected));
  }

  it('is none where the bytes are not UTF-8', () => {
    assert.equal(summary(Buffer.from('{"id":1,"result":"\xff"}', 'latin1')), undefined);
  });
});

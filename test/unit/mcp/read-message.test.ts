/** One POST body: a message, a batch, or why not. JSON-RPC 2.0 §4 to §6; MCP 2026-07-28, Messages; 2025-03-26, Batching. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFault } from '../../../src/mcp/fault.ts';
import { readMessage } from '../../../src/mcp/read-message.ts';
import { parseObject } from '../../support/json.ts';

const read = (value: unknown) => readMessage(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const request = (more: object) => ({ jsonrpc: '2.0', id: 7, method: 'x/y', ...more });
const call = (params: unknown) => request({ method: 'tools/call', params });

/** [what, body, detail, id of the answer] */
type Refused = readonly [string, unknown, string, (string | number | null)?];

function refuses(cases: readonly Refused[]): void {
  for (const [name, body, detail, id = null] of cases) {
    it(`refuses ${name}`, () => {
      const fault = { kind: 'fault', code: -32600, reason: 'malformed_message', detail, id };
      assert.deepEqual(read(body), fault);
    });
  }
}

describe('JSON-RPC 2.0 §4: a message is an object', () => {
  refuses([
    ['null', 'null', 'a message is an object'],
    ['a text', '"tools/call"', 'a message is an object'],
    ['a number', '1', 'a message is an object'],
    ['true', 'true', 'a message is an object'],
    ['an empty object', {}, 'jsonrpc is not "2.0"'],
    ['no jsonrpc', { id: 7, method: 'ping' }, 'jsonrpc is not "2.0"', 7],
    ['jsonrpc 1.0', request({ jsonrpc: '1.0' }), 'jsonrpc is not "2.0"', 7],
    ['jsonrpc as a number', request({ jsonrpc: 2 }), 'jsonrpc is not "2.0"', 7],
    ['jsonrpc 2.00', request({ jsonrpc: '2.00' }), 'jsonrpc is not "2.0"', 7],
    ['nothing but jsonrpc', { jsonrpc: '2.0' }, 'neither a method nor an answer'],
    ['an id alone', { jsonrpc: '2.0', id: 7 }, 'neither a method nor an answer', 7],
    ['params without method', { jsonrpc: '2.0', id: 7, params: {} }, 'neither a method nor an answer', 7],
  ]);

  it('lets members pass that nobody knows', () => {
    assert.equal(read(request({ ts: 1, trace: {}, methods: 1, idx: 2 })).kind, 'request');
  });
});

describe('JSON-RPC 2.0 §4: method and params', () => {
  refuses([
    ['a numeric method', request({ method: 1 }), 'method is no text', 7],
    ['a method null', request({ method: null }), 'method is no text', 7],
    ['a method in an array', request({ method: ['tools/call'] }), 'method is no text', 7],
    ['an empty method', request({ method: '' }), 'method is no text', 7],
    ['a method with NUL, where readers in C stop', request({ method: 'tools/call\0x' }), 'method is no text', 7],
    ['params in an array', request({ params: ['a'] }), 'params is no object', 7],
    ['params as a text', request({ params: '{}' }), 'params is no object', 7],
    ['params as a number', request({ params: 0 }), 'params is no object', 7],
    ['params false', request({ params: false }), 'params is no object', 7],
    ['a method beside a result', request({ result: {} }), 'a method beside an answer', 7],
    ['a method beside a result null', request({ result: null }), 'a method beside an answer', 7],
    ['a method beside an error', request({ error: { code: 1, message: '' } }), 'a method beside an answer', 7],
    ['_meta as a text', request({ params: { _meta: '' } }), 'params._meta is no object', 7],
    ['_meta as an array', request({ params: { _meta: [] } }), 'params._meta is no object', 7],
    [
      'a version that is no text',
      request({ params: { _meta: { 'io.modelcontextprotocol/protocolVersion': 20260728 } } }),
      'the protocol version is no text',
      7,
    ],
    [
      'a version null',
      request({ params: { _meta: { 'io.modelcontextprotocol/protocolVersion': null } } }),
      'the protocol version is no text',
      7,
    ],
  ]);

  it('reads what a request says', () => {
    const params = { a: 1, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
    assert.deepEqual(read(request({ params })), {
      kind: 'request',
      id: 7,
      method: 'x/y',
      params,
      named: [],
      version: '2026-07-28',
    });
  });

  for (const params of [undefined, null]) {
    it(`reads params ${params} as absent`, () => {
      const { kind, ...said } = read(request({ params }));
      assert.deepEqual(
        [kind, said],
        ['request', { id: 7, method: 'x/y', params: undefined, named: [], version: undefined }],
      );
    });
  }

  for (const method of ['toString', '__proto__', 'constructor', 'TOOLS/CALL', ' tools/call', 'tools/call/']) {
    it(`knows nothing of ${JSON.stringify(method)}`, () => {
      const message = read(request({ method, params: { name: 'a' } }));
      assert.deepEqual(message.kind === 'request' && message.named, []);
    });
  }
});

describe('MCP 2026-07-28, Requests: a string or integer id, not null', () => {
  for (const id of [0, 1, -1, 9007199254740991, '', 'a', '0', 'listen:0', 'é']) {
    it(`takes ${JSON.stringify(id)}`, () => {
      const message = read(request({ id }));
      assert.deepEqual([message.kind, message.kind === 'request' && message.id], ['request', id]);
    });
  }

  refuses([
    ['null', request({ id: null }), 'id is neither a text nor an integer'],
    ['1.5', request({ id: 1.5 }), 'id is neither a text nor an integer'],
    ['true', request({ id: true }), 'id is neither a text nor an integer'],
    ['an object', request({ id: {} }), 'id is neither a text nor an integer'],
    ['an array', request({ id: [1] }), 'id is neither a text nor an integer'],
    ['2^53', '{"jsonrpc":"2.0","id":9007199254740992,"method":"x"}', 'id is neither a text nor an integer'],
    ['1e300', '{"jsonrpc":"2.0","id":1e300,"method":"x"}', 'id is neither a text nor an integer'],
    ['a call without id', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'a' } }, 'a request without id'],
    ['initialize without id', { jsonrpc: '2.0', method: 'initialize' }, 'a request without id'],
    ['ping without id', { jsonrpc: '2.0', method: 'ping' }, 'a request without id'],
    ['a notification with id', request({ method: 'notifications/initialized' }), 'a notification with an id', 7],
    ['an unknown notification with id', request({ method: 'notifications/x' }), 'a notification with an id', 7],
  ]);

  for (const method of ['notifications/initialized', 'notifications/cancelled', 'notifications/x', 'x/y']) {
    it(`reads ${method} without id as a notification`, () => {
      assert.deepEqual(read({ jsonrpc: '2.0', method }), {
        kind: 'notification',
        method,
        params: undefined,
        named: [],
        version: undefined,
      });
    });
  }
});

describe('MCP 2025-11-25, Responses: a result or an error', () => {
  const answer = (more: object) => ({ jsonrpc: '2.0', id: 7, ...more });
  const error = { code: -1, message: 'no' };
  refuses([
    ['both', answer({ result: {}, error }), 'a result beside an error', 7],
    ['a result beside an error null', answer({ result: {}, error: null }), 'a result beside an error', 7],
    ['an error null', answer({ error: null }), 'error is no object', 7],
    ['an error as a text', answer({ error: 'no' }), 'error is no object', 7],
    ['an error without code', answer({ error: { message: '' } }), 'error has no code or no message', 7],
    ['an error without message', answer({ error: { code: 1 } }), 'error has no code or no message', 7],
    [
      'an error with a text for a code',
      answer({ error: { code: '1', message: '' } }),
      'error has no code or no message',
      7,
    ],
    ['an error with half a code', answer({ error: { code: 1.5, message: '' } }), 'error has no code or no message', 7],
    ['params beside a result', answer({ result: {}, params: {} }), 'params beside an answer', 7],
    ['a result without id', { jsonrpc: '2.0', result: {} }, 'a result without id'],
    ['a result with id null', answer({ id: null, result: {} }), 'a result without id'],
    ['a result with id 1.5', answer({ id: 1.5, result: {} }), 'id is neither a text nor an integer'],
    ['an error with id true', answer({ id: true, error }), 'id is neither a text nor an integer'],
  ]);

  for (const result of [{}, { content: [] }, null, [], 'a', 0, false]) {
    it(`reads a result ${JSON.stringify(result)}`, () => {
      assert.deepEqual(read(answer({ result })), { kind: 'response', id: 7, result, error: undefined });
    });
  }
  for (const id of [7, 'a', null, undefined]) {
    it(`reads an error to ${id}`, () => {
      const response = { kind: 'response', id: id ?? null, result: undefined, error };
      assert.deepEqual(read({ jsonrpc: '2.0', id, error }), response);
    });
  }
});

/** In the way of Go (ſ, K), .NET and cJSON; of Turkish; of json/v2; of readers in C. */
const DISGUISES: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  (name) => `${name.slice(0, -1)}${name.slice(-1).toUpperCase()}`,
  (name) => name.replace('s', 'ſ').replace('k', '\u212a').replace('i', 'İ'),
  (name) => name.toUpperCase().replace('S', 'ſ').replace('I', 'ı'),
  (name) => `_${name}`,
  (name) => `${name}-`,
  (name) => `${name}\0`,
  (name) => `${name}\0${name}`,
];

const disguises = (names: readonly string[]) =>
  names.flatMap((name) => [...new Set(DISGUISES.map((disguise) => disguise(name)))].filter((other) => other !== name));

describe('a look-alike of a member that decides', () => {
  for (const name of disguises(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])) {
    it(`is refused in a message: ${JSON.stringify(name)}`, () => {
      const detail = 'a look-alike of a member of messages';
      const fault = { kind: 'fault', code: -32600, reason: 'malformed_message', detail, id: null };
      assert.deepEqual(read(call({ name: 'a' })).kind, 'request');
      assert.deepEqual(read({ ...call({ name: 'a' }), [name]: 'b' }), fault);
      assert.deepEqual(read({ [name]: 'b', ...call({ name: 'a' }) }), fault);
    });
  }

  for (const name of disguises(['name', 'uri', 'arguments', 'ref', 'taskId', 'notifications', 'requestId'])) {
    it(`is refused in params: ${JSON.stringify(name)}`, () => {
      const detail = 'a look-alike of a member of params';
      const fault = { kind: 'fault', code: -32600, reason: 'malformed_message', detail, id: 7 };
      assert.deepEqual(read(call({ name: 'a', [name]: 'b' })), fault);
      assert.deepEqual(read(request({ params: { name: 'a', [name]: 'b' } })).kind, 'request', 'unknown to MCP');
    });
  }

  for (const name of ['_Meta', '_META', '_meta\0', '_MeTa\0x']) {
    it(`is refused in params of any method: ${JSON.stringify(name)}`, () => {
      const message = read(request({ params: { [name]: {} } }));
      assert.equal(message.kind === 'fault' && message.detail, 'a look-alike of a member of params');
    });
  }

  for (const name of ['io.modelcontextprotocol/protocolversion', 'IO.ModelContextProtocol/ProtocolVersion']) {
    it(`is refused in _meta: ${name}`, () => {
      const message = read(request({ params: { _meta: { [name]: '2026-07-28' } } }));
      assert.equal(message.kind === 'fault' && message.detail, 'a look-alike of the protocol version');
    });
  }

  for (const name of [
    'names',
    'n',
    'meta',
    'na me',
    'nаme',
    'ｎame',
    'url',
    'argument',
    'task',
    'cursor',
    'inputResponses',
  ]) {
    it(`is not seen in ${JSON.stringify(name)}`, () =>
      assert.equal(read(call({ name: 'a', [name]: 'b' })).kind, 'request'));
  }

  it('is nobody’s business in arguments', () => {
    assert.equal(read(call({ name: 'a', arguments: { Name: 1, name: 2, METHOD: 3 } })).kind, 'request');
  });
});

describe('MCP 2025-03-26, Batching', () => {
  const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
  const notice = { jsonrpc: '2.0', method: 'notifications/initialized' };
  refuses([
    ['an empty one', [], 'an empty batch'],
    ['one in another', [[ping(1)]], 'a message is an object'],
    ['an empty one in another', [[]], 'a message is an object'],
    ['one with null', [ping(1), null], 'a message is an object'],
    ['one with initialize', [ping(1), { jsonrpc: '2.0', id: 2, method: 'initialize' }], 'initialize in a batch'],
    ['one with initialize alone', [{ jsonrpc: '2.0', id: 2, method: 'initialize' }], 'initialize in a batch'],
    ['one id for two requests', [ping(1), ping(2), ping(1)], 'two requests with one id'],
    ['one text for two requests', [ping('a'), ping('a')], 'two requests with one id'],
    ['one bad message, for all of them', [ping(1), { ...ping(2), params: [] }, ping(3)], 'params is no object'],
  ]);

  it('reads every message in order', () => {
    const batch = read([ping(1), notice, ping('1'), { jsonrpc: '2.0', id: 1, result: {} }, notice]);
    assert.ok(batch.kind === 'batch');
    const kinds = batch.messages.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['request', 'notification', 'request', 'response', 'notification']);
  });
});

describe('what is not JSON', () => {
  it('is a parse error without id, and its answer repeats nothing of it', () => {
    const fault = read('{"jsonrpc":"2.0","id":7,"id":"<secret>","method":"ping"}');
    const detail = 'a member name twice in one object';
    assert.deepEqual(fault, { kind: 'fault', code: -32700, reason: 'malformed_message', detail, id: null });
    assert.deepEqual(fault.kind === 'fault' && parseObject(formatFault(fault)), {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32700, message: `Parse error: ${detail}`, data: { reason: 'malformed_message' } },
    });
  });
});

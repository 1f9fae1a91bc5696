/** Headers and body of one POST. MCP 2026-07-28, Streamable HTTP, Server Validation; SEP-2243; SEP-2663, Routing Headers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFault } from '../../../src/mcp/fault.ts';
import { checkHeaders } from '../../../src/mcp/headers-agree.ts';
import { readMessage } from '../../../src/mcp/read-message.ts';
import { parseObject } from '../../support/json.ts';

const MODERN = '2026-07-28';
const VERSION = 'io.modelcontextprotocol/protocolVersion';

interface Case {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly id?: number;
  readonly body?: unknown;
  /** What `_meta` says. */
  readonly says?: string;
  readonly versions?: readonly string[];
  readonly methods?: readonly string[];
  readonly names?: readonly string[];
}

/** Of `tools/call add`, unless told otherwise. */
function check({ method = 'tools/call', params = { name: 'add' }, ...given }: Case) {
  const meta = given.says === undefined ? {} : { _meta: { [VERSION]: given.says } };
  const body = given.body ?? { jsonrpc: '2.0', id: 7, method, params: { ...params, ...meta } };
  const read = readMessage(Buffer.from(JSON.stringify(body)));
  assert.ok(read.kind !== 'fault', JSON.stringify(read));
  return checkHeaders({ versions: [], methods: [], names: [], ...given }, read);
}

const bare = { versions: [MODERN], methods: ['tools/call'], names: ['add'] };
const call = { ...bare, says: MODERN };
const modern = (method: string, names: readonly string[], params: Case['params'] = {}) => ({
  method,
  params,
  says: MODERN,
  versions: [MODERN],
  methods: [method],
  names,
});
const notice = (more: object = {}) => ({ body: { jsonrpc: '2.0', method: 'notifications/cancelled', ...more } });
const answer = { body: { jsonrpc: '2.0', id: 7, result: {} } };

const AGREE: readonly (readonly [string, Case])[] = [
  ['a call of 2026-07-28', call],
  ['a call without headers, as in 2025-03-26', {}],
  ['a version alone, as in 2025-06-18', { versions: ['2025-06-18'] }],
  ['2025-11-25 with headers that nobody asked for', { ...call, says: '2025-11-25', versions: ['2025-11-25'] }],
  ['2025-11-25 with a name alone', { versions: ['2025-11-25'], names: ['add'] }],
  ['a list', modern('tools/list', [])],
  ['server/discover', modern('server/discover', [])],
  ['a resource by its URI', modern('resources/read', ['file:///a'], { uri: 'file:///a' })],
  ['a prompt', modern('prompts/get', ['p'], { name: 'p' })],
  [
    'a completion, which mirrors nothing',
    modern('completion/complete', [], { ref: { type: 'ref/prompt', name: 'p' } }),
  ],
  [
    'a completion that mirrors anyway',
    modern('completion/complete', ['p'], { ref: { type: 'ref/prompt', name: 'p' } }),
  ],
  ['a task by its id', modern('tasks/get', ['t1'], { taskId: 't1' })],
  ['tasks/get before there was a header', { method: 'tasks/get', params: { taskId: 't1' }, versions: ['2025-11-25'] }],
  [
    'subscriptions/listen',
    modern('subscriptions/listen', [], { notifications: { resourceSubscriptions: ['a', 'b'] } }),
  ],
  ['resources/subscribe of old, with its URI', { method: 'resources/subscribe', params: { uri: 'u' }, names: ['u'] }],
  ['a method of an extension, whatever it mirrors', modern('x/y', ['anything'], { name: 'other' })],
  ['a method of an extension that mirrors nothing', modern('x/y', [])],
  ['a name in Base64 without need', { ...call, names: ['=?base64?YWRk?='] }],
  ['a name beyond ASCII', { ...call, params: { name: 'Grüße, 世界' }, names: ['=?base64?R3LDvMOfZSwg5LiW55WM?='] }],
  ['a name with spaces at its ends', { ...call, params: { name: ' a ' }, names: ['=?base64?IGEg?='] }],
  ['a name with a line end', { ...call, params: { name: 'a\nb' }, names: ['=?base64?YQpi?='] }],
  [
    'a name that looks like Base64',
    { ...call, params: { name: '=?base64?a?=' }, names: ['=?base64?PT9iYXNlNjQ/YT89?='] },
  ],
  ['a name that begins like Base64', { ...call, params: { name: '=?base64?a' }, names: ['=?base64?a'] }],
  ['a name with an encoding in capitals', { ...call, params: { name: '=?BASE64?YWRk?=' }, names: ['=?BASE64?YWRk?='] }],
  ['an empty name', { ...call, params: { name: '' }, names: [''] }],
  ['an empty name in Base64', { ...call, params: { name: '' }, names: ['=?base64??='] }],
  ['the header’s version alone: the server answers that _meta is missing', bare],
  ['a version that nobody knows, agreed on', { ...call, says: '1900-01-01', versions: ['1900-01-01'] }],
  ['a notification without headers in 2026-07-28, of which nothing is defined', { ...notice(), versions: [MODERN] }],
  ['a notification and its method', { ...notice(), methods: ['notifications/cancelled'] }],
  ['an answer', { ...answer, versions: ['2025-11-25'] }],
];

const MISMATCH: readonly (readonly [string, Case, string, (number | null)?])[] = [
  ['another method', { ...call, methods: ['tools/list'] }, 'Mcp-Method is not the method'],
  ['another method before 2026-07-28', { methods: ['tools/list'] }, 'Mcp-Method is not the method'],
  ['a method in capitals', { ...call, methods: ['TOOLS/CALL'] }, 'Mcp-Method is not the method'],
  [
    'a method in Base64, which has no such form',
    { ...call, methods: ['=?base64?dG9vbHMvY2FsbA==?='] },
    'Mcp-Method is not the method',
  ],
  ['an empty method', { ...call, methods: [''] }, 'Mcp-Method is not the method'],
  ['two methods', { ...call, methods: ['tools/call', 'tools/call'] }, 'Mcp-Method twice'],
  ['a list of methods', { ...call, methods: ['tools/call, tools/call'] }, 'Mcp-Method is not the method'],
  ['no method', { ...call, methods: [] }, 'Mcp-Method is missing'],
  ['no method for a list', { ...modern('tools/list', []), methods: [] }, 'Mcp-Method is missing'],
  ['no method for a method of an extension', { ...modern('x/y', []), methods: [] }, 'Mcp-Method is missing'],
  ['another name', { ...call, names: ['sub'] }, 'Mcp-Name is not what the message names'],
  ['another name before 2026-07-28', { names: ['sub'] }, 'Mcp-Name is not what the message names'],
  ['a name in capitals', { ...call, names: ['ADD'] }, 'Mcp-Name is not what the message names'],
  ['two names', { ...call, names: ['add', 'add'] }, 'Mcp-Name twice'],
  ['two names, the first one right', { ...call, names: ['add', 'sub'] }, 'Mcp-Name twice'],
  ['no name', { ...call, names: [] }, 'Mcp-Name is missing'],
  ['no URI', modern('resources/read', [], { uri: 'file:///a' }), 'Mcp-Name is missing'],
  ['no prompt', modern('prompts/get', [], { name: 'p' }), 'Mcp-Name is missing'],
  ['no task', modern('tasks/update', [], { taskId: 't1' }), 'Mcp-Name is missing'],
  ['another task', modern('tasks/cancel', ['t2'], { taskId: 't1' }), 'Mcp-Name is not what the message names'],
  [
    'the name of a resource instead of its URI',
    modern('resources/read', ['a'], { uri: 'u', name: 'a' }),
    'Mcp-Name is not what the message names',
  ],
  ['a name for what names nothing', modern('tools/list', ['add']), 'Mcp-Name is not what the message names'],
  [
    'one name for what names two',
    modern('subscriptions/listen', ['a'], { notifications: { resourceSubscriptions: ['a', 'b'] } }),
    'Mcp-Name is not what the message names',
  ],
  [
    'a name in Base64 without padding',
    { ...call, params: { name: 'ab' }, names: ['=?base64?YWI?='] },
    'Mcp-Name is not what the message names',
  ],
  [
    'a name in Base64 with bits to spare',
    { ...call, params: { name: 'ab' }, names: ['=?base64?YWJ=?='] },
    'Mcp-Name is not what the message names',
  ],
  [
    'a name in base64url',
    { ...call, params: { name: '??>' }, names: ['=?base64?Pz8-?='] },
    'Mcp-Name is not what the message names',
  ],
  ['a name in Base64 with a space', { ...call, names: ['=?base64?YW Rk?='] }, 'Mcp-Name is not what the message names'],
  [
    'a name in Base64 of what is not UTF-8',
    { ...call, params: { name: '\ufffd' }, names: ['=?base64?/w==?='] },
    'Mcp-Name is not what the message names',
  ],
  [
    'a name that is its own encoding',
    { ...call, params: { name: '=?base64?YWRk?=' }, names: ['=?base64?YWRk?='] },
    'Mcp-Name is not what the message names',
  ],
  ['a name in latin1', { ...call, params: { name: 'é' }, names: ['é'] }, 'Mcp-Name is not what the message names'],
  ['a name in bare UTF-8', { ...call, params: { name: 'é' }, names: ['Ã©'] }, 'Mcp-Name is not what the message names'],
  ['another version', { ...call, versions: ['2025-11-25'] }, 'MCP-Protocol-Version is not the version in _meta'],
  [
    'a newer version than the body',
    { ...call, says: '2025-11-25' },
    'MCP-Protocol-Version is not the version in _meta',
  ],
  [
    'another version before 2026-07-28',
    { says: '2025-11-25', versions: ['2025-06-18'] },
    'MCP-Protocol-Version is not the version in _meta',
  ],
  ['two versions', { ...call, versions: [MODERN, MODERN] }, 'MCP-Protocol-Version twice'],
  ['no version', { ...call, versions: [] }, 'MCP-Protocol-Version is missing'],
  ['nothing but the body', { says: MODERN }, 'MCP-Protocol-Version is missing'],
  [
    'a later version, which is taken for modern',
    { says: '2027-01-01', versions: ['2027-01-01'] },
    'Mcp-Method is missing',
  ],
  ['another method for a notification', { ...notice(), methods: ['tools/call'] }, 'Mcp-Method is not the method', null],
  ['a name for a notification', { ...notice(), names: ['add'] }, 'Mcp-Name is not what the message names', null],
  [
    'another version for a notification',
    { ...notice({ params: { _meta: { [VERSION]: MODERN } } }), versions: ['2025-11-25'] },
    'MCP-Protocol-Version is not the version in _meta',
    null,
  ],
  ['a method for an answer', { ...answer, methods: ['tools/call'] }, 'Mcp-Method is not the method', null],
  ['a name for an answer', { ...answer, names: ['add'] }, 'Mcp-Name is not what the message names', null],
];

describe('MCP 2026-07-28, Server Validation', () => {
  for (const [name, given] of AGREE) it(`lets pass: ${name}`, () => assert.equal(check(given), undefined));

  for (const [name, given, detail, id = 7] of MISMATCH) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(check(given), { kind: 'fault', code: -32020, reason: 'header_mismatch', detail, id });
    });
  }

  it('answers as the specification has it, with the reason', () => {
    const fault = check({ ...call, names: ['<secret>'] });
    assert.deepEqual(fault && parseObject(formatFault(fault)), {
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: -32020,
        message: 'Header mismatch: Mcp-Name is not what the message names',
        data: { reason: 'header_mismatch' },
      },
    });
  });
});

describe('MCP 2025-03-26, Batching', () => {
  const ping = (params?: object) => ({ jsonrpc: '2.0', id: 1, method: 'ping', params });
  const noBatch = {
    kind: 'fault',
    code: -32600,
    reason: 'malformed_message',
    detail: 'a batch, which this protocol version does not have',
    id: null,
  };

  for (const versions of [[], ['2025-03-26']]) {
    it(`has batches in ${JSON.stringify(versions)}`, () =>
      assert.equal(check({ body: [ping()], versions }), undefined));
  }
  for (const version of ['2024-11-05', '2025-06-18', '2025-11-25', MODERN, '', 'x', '2025-03-26 ']) {
    it(`has none in ${JSON.stringify(version)}`, () => {
      assert.deepEqual(check({ body: [ping()], versions: [version] }), noBatch);
    });
  }

  it('has none with a message that names its version', () => {
    assert.deepEqual(check({ body: [ping(), ping({ _meta: { [VERSION]: MODERN } })].map(renumber) }), noBatch);
  });

  for (const headers of [{ methods: ['ping'] }, { names: ['add'] }]) {
    it(`mirrors nothing: ${JSON.stringify(headers)}`, () => {
      const detail = 'Mcp-Method or Mcp-Name with a batch';
      const fault = { kind: 'fault', code: -32020, reason: 'header_mismatch', detail, id: null };
      assert.deepEqual(check({ body: [ping()], ...headers }), fault);
    });
  }
});

const renumber = (message: object, id: number) => ({ ...message, id });

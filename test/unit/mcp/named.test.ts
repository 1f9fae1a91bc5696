/** What each method names, and when that cannot be told. MCP 2024-11-05 to 2026-07-28, Schema; SEP-2663. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMessage } from '../../../src/mcp/read-message.ts';

const read = (method: string, params?: unknown) =>
  readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })));

const NAMED: readonly (readonly [string, unknown, readonly (readonly [string, string])[]])[] = [
  ['tools/call', { name: 'add' }, [['tool', 'add']]],
  ['tools/call', { name: 'add', arguments: { a: 1 } }, [['tool', 'add']]],
  ['tools/call', { name: 'add', arguments: null }, [['tool', 'add']]],
  ['tools/call', { name: '', uri: 'file:///x' }, [['tool', '']]],
  ['tools/call', { name: 'wetter/übersicht' }, [['tool', 'wetter/übersicht']]],
  ['prompts/get', { name: 'review', arguments: {} }, [['prompt', 'review']]],
  ['resources/read', { uri: 'file:///a' }, [['resource', 'file:///a']]],
  ['resources/read', { uri: 'file:///a', name: 'b' }, [['resource', 'file:///a']]],
  ['resources/subscribe', { uri: 'file:///a' }, [['resource', 'file:///a']]],
  ['resources/unsubscribe', { uri: 'file:///a' }, [['resource', 'file:///a']]],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' } }, [['prompt', 'p']]],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'p', title: 'P', uri: 'u' } }, [['prompt', 'p']]],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'file:///{a}' } }, [['resource', 'file:///{a}']]],
  ['subscriptions/listen', { notifications: {} }, []],
  ['subscriptions/listen', { notifications: { toolsListChanged: true } }, []],
  ['subscriptions/listen', { notifications: { resourceSubscriptions: [] } }, []],
  ['subscriptions/listen', { notifications: { resourceSubscriptions: null } }, []],
  [
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: ['file:///a', 'file:///b'] } },
    [
      ['resource', 'file:///a'],
      ['resource', 'file:///b'],
    ],
  ],
  ['subscriptions/listen', { notifications: { taskIds: ['t1'] } }, [['task', 't1']]],
  [
    'subscriptions/listen',
    { notifications: { taskIds: ['t1'], resourceSubscriptions: ['file:///a'], x: ['b'] } },
    [
      ['resource', 'file:///a'],
      ['task', 't1'],
    ],
  ],
  ['tasks/get', { taskId: 't1' }, [['task', 't1']]],
  ['tasks/update', { taskId: 't1', inputResponses: {} }, [['task', 't1']]],
  ['tasks/cancel', { taskId: 't1' }, [['task', 't1']]],
  ['tasks/result', { taskId: 't1' }, [['task', 't1']]],
  ['tasks/list', {}, []],
  ['tools/list', { name: 'add' }, []],
  ['initialize', { protocolVersion: '2025-11-25', clientInfo: { name: 'a' } }, []],
  ['server/discover', {}, []],
  ['logging/setLevel', { level: 'info' }, []],
  ['x/y', { name: 'add', uri: 'file:///a' }, []],
];

describe('what a request names', () => {
  for (const [method, params, named] of NAMED) {
    it(`${method} ${JSON.stringify(params)}`, () => {
      const message = read(method, params);
      assert.deepEqual(
        message.kind === 'request' && message.named,
        named.map(([kind, name]) => ({ kind, name })),
      );
    });
  }
});

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['tools/call', undefined, 'the tool is not named by a text'],
  ['tools/call', {}, 'the tool is not named by a text'],
  ['tools/call', { name: 1 }, 'the tool is not named by a text'],
  ['tools/call', { name: null }, 'the tool is not named by a text'],
  ['tools/call', { name: ['add'] }, 'the tool is not named by a text'],
  ['tools/call', { name: { toString: 'add' } }, 'the tool is not named by a text'],
  ['tools/call', { name: 'add\0x' }, 'the tool is not named by a text'],
  ['tools/call', { name: 'add', arguments: '{"a":1}' }, 'params.arguments is no object'],
  ['tools/call', { name: 'add', arguments: [1] }, 'params.arguments is no object'],
  ['tools/call', { name: 'add', arguments: 0 }, 'params.arguments is no object'],
  ['tools/call', { name: 'add', arguments: false }, 'params.arguments is no object'],
  ['prompts/get', { uri: 'file:///a' }, 'the prompt is not named by a text'],
  ['prompts/get', { name: 'p', arguments: '' }, 'params.arguments is no object'],
  ['resources/read', { name: 'a' }, 'the resource is not named by a text'],
  ['resources/read', { uri: {} }, 'the resource is not named by a text'],
  ['resources/read', { uri: 'file:///a\0b' }, 'the resource is not named by a text'],
  ['resources/subscribe', {}, 'the resource is not named by a text'],
  ['resources/unsubscribe', undefined, 'the resource is not named by a text'],
  ['completion/complete', {}, 'params.ref is no object'],
  ['completion/complete', { ref: 'ref/prompt' }, 'params.ref is no object'],
  ['completion/complete', { ref: [] }, 'params.ref is no object'],
  ['completion/complete', { ref: {} }, 'params.ref is of no known type'],
  ['completion/complete', { ref: { type: 'ref/tool', name: 'add' } }, 'params.ref is of no known type'],
  ['completion/complete', { ref: { type: 'REF/PROMPT', name: 'p' } }, 'params.ref is of no known type'],
  ['completion/complete', { ref: { type: 'ref/prompt', uri: 'u' } }, 'the prompt is not named by a text'],
  ['completion/complete', { ref: { type: 'ref/resource', name: 'n' } }, 'the resource is not named by a text'],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p', Name: 'q' } },
    'params.ref has a look-alike of a member',
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', Type: 'ref/resource', name: 'p' } },
    'params.ref has a look-alike of a member',
  ],
  ['subscriptions/listen', {}, 'params.notifications is no object'],
  ['subscriptions/listen', { notifications: [] }, 'params.notifications is no object'],
  [
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: 'file:///a' } },
    'a resource of params.notifications is not named by a text',
  ],
  [
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: ['file:///a', 1] } },
    'a resource of params.notifications is not named by a text',
  ],
  [
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: ['file:///a\0'] } },
    'a resource of params.notifications is not named by a text',
  ],
  [
    'subscriptions/listen',
    { notifications: { resourcesubscriptions: ['file:///a'] } },
    'params.notifications has a look-alike of a member',
  ],
  [
    'subscriptions/listen',
    { notifications: { resource_subscriptions: ['file:///a'] } },
    'params.notifications has a look-alike of a member',
  ],
  [
    'subscriptions/listen',
    { notifications: { taskIds: 't1' } },
    'a task of params.notifications is not named by a text',
  ],
  [
    'subscriptions/listen',
    { notifications: { taskIds: ['t1', null] } },
    'a task of params.notifications is not named by a text',
  ],
  ['subscriptions/listen', { notifications: { taskids: ['t1'] } }, 'params.notifications has a look-alike of a member'],
  ['tasks/get', {}, 'the task is not named by a text'],
  ['tasks/cancel', { taskId: 1 }, 'the task is not named by a text'],
];

describe('what cannot be told', () => {
  for (const [method, params, detail] of REFUSED) {
    it(`${method} ${JSON.stringify(params)}`, () => {
      const fault = { kind: 'fault', code: -32600, reason: 'malformed_message', detail, id: 1 };
      assert.deepEqual(read(method, params), fault);
    });
  }
});

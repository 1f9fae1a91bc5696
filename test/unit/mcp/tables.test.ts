/** The tables of MCP against the specification: methods, revisions, media type. MCP 2024-11-05 to 2026-07-28; RFC 9110 §8.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatError } from '../../../src/mcp/fault.ts';
import { isJsonBody } from '../../../src/mcp/media-type.ts';
import { findMethod, isNotificationMethod } from '../../../src/mcp/methods.ts';
import { findRevision, isModern, REVISIONS } from '../../../src/mcp/revisions.ts';

/** From `schema.ts` of all revisions, and of the tasks extension. */
const CLIENT_REQUESTS = [
  'initialize',
  'server/discover',
  'ping',
  'logging/setLevel',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
  'tasks/result',
  'tasks/list',
];
const SERVER_REQUESTS = ['sampling/createMessage', 'elicitation/create', 'roots/list'];
const NOTIFICATIONS = [
  'notifications/initialized',
  'notifications/roots/list_changed',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
  'notifications/tasks/status',
  'notifications/tasks',
  'notifications/subscriptions/acknowledged',
];

describe('the methods', () => {
  it('are those of the schemas, told apart by form and sender', () => {
    for (const method of CLIENT_REQUESTS) {
      assert.equal(findMethod(method)?.form, 'request', method);
      assert.notEqual(findMethod(method)?.sender, 'server', method);
      assert.ok(!isNotificationMethod(method), method);
    }
    for (const method of SERVER_REQUESTS) {
      assert.deepEqual([findMethod(method)?.form, findMethod(method)?.sender], ['request', 'server'], method);
    }
    for (const method of NOTIFICATIONS) {
      assert.deepEqual([findMethod(method)?.form, isNotificationMethod(method)], ['notification', true], method);
    }
    for (const method of ['', 'tools', 'Tools/call', 'constructor', 'notifications']) {
      assert.equal(findMethod(method), undefined, method);
    }
  });

  const having = (has: (method: string) => unknown) =>
    [...CLIENT_REQUESTS, ...SERVER_REQUESTS].filter((name) => has(name));

  it('that stay open when nothing else is', () => {
    assert.deepEqual(
      having((method) => findMethod(method)?.open === true),
      [
        'initialize',
        'server/discover',
        'ping',
        'logging/setLevel',
        'tools/list',
        'resources/list',
        'resources/templates/list',
        'prompts/list',
      ],
    );
    assert.ok(NOTIFICATIONS.every((method) => findMethod(method)?.open === true));
  });

  it('that list, and where', () => {
    const lists = having((method) => findMethod(method)?.lists).map((method) => [method, findMethod(method)?.lists]);
    assert.deepEqual(lists, [
      ['tools/list', 'tools'],
      ['resources/list', 'resources'],
      ['resources/templates/list', 'resourceTemplates'],
      ['prompts/list', 'prompts'],
      ['tasks/list', 'tasks'],
    ]);
  });

  it('whose name a header repeats', () => {
    assert.deepEqual(
      having((method) => findMethod(method)?.mirrored),
      ['tools/call', 'resources/read', 'prompts/get', 'tasks/get', 'tasks/update', 'tasks/cancel'],
    );
  });
});

describe('the revisions', () => {
  it('are in order, the last one modern', () => {
    const versions = REVISIONS.map(({ version }) => version);
    assert.deepEqual(versions, versions.toSorted());
    assert.deepEqual(versions.filter(isModern), ['2026-07-28']);
  });

  it('differ in batches and sessions', () => {
    const having = (member: 'batches' | 'sessions') =>
      REVISIONS.filter((revision) => revision[member]).map(({ version }) => version);
    assert.deepEqual(having('batches'), ['2025-03-26']);
    assert.deepEqual(having('sessions'), ['2025-03-26', '2025-06-18', '2025-11-25']);
  });

  it('are found by name, and 2025-03-26 by none', () => {
    assert.equal(findRevision(undefined)?.version, '2025-03-26');
    assert.equal(findRevision('2026-07-28')?.version, '2026-07-28');
    for (const version of ['', '2026-07-29', 'draft', '2025-03-26 ']) assert.equal(findRevision(version), undefined);
  });

  for (const [version, modern] of [
    ['2026-07-28', true],
    ['2026-07-29', true],
    ['2027-01-01', true],
    ['DRAFT-2026-v1', true],
    ['v999', true],
    ['2026-07-27', false],
    ['2026-07', false],
    ['1.0', false],
    ['', false],
  ] as const) {
    it(`${JSON.stringify(version)} is ${modern ? 'modern' : 'not modern'}`, () =>
      assert.equal(isModern(version), modern));
  }
});

describe('RFC 9110 §8.3, §8.4: JSON in UTF-8, and nothing around it', () => {
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json ; \tCharset="utf-8" ',
  ]) {
    it(`is ${type}`, () => assert.ok(isJsonBody([type], [])));
  }

  for (const type of [
    '',
    'text/plain',
    'text/json',
    'application/json-rpc',
    'application/vnd.api+json',
    'application/jsonx',
    'xapplication/json',
    'application/json, text/plain',
    'application/json;',
    'application/json; charset=utf-7',
    'application/json; charset=utf-16',
    'application/json; charset=utf8',
    'application/json; charset=',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8; charset=utf-7',
    'application/json; charset=utf-8; profile=x',
    'application/json; profile=x',
    'application/json; charset =utf-8',
    'application/json\ncharset=utf-8',
    'application/json charset=utf-8',
    'application/json\u00a0',
  ]) {
    it(`is not ${JSON.stringify(type)}`, () => assert.ok(!isJsonBody([type], [])));
  }

  it('is said once', () => {
    assert.ok(!isJsonBody([], []));
    assert.ok(!isJsonBody(['application/json', 'application/json'], []));
  });

  for (const encoding of ['gzip', 'identity', '', 'br, gzip']) {
    it(`is not in ${JSON.stringify(encoding)}`, () => assert.ok(!isJsonBody(['application/json'], [encoding])));
  }
});

describe('JSON-RPC 2.0 §5.1', () => {
  it('an error has a code, a message, and data where there are', () => {
    assert.equal(
      formatError('a"', { code: -32603, message: 'gone' }),
      '{"jsonrpc":"2.0","id":"a\\"","error":{"code":-32603,"message":"gone"}}',
    );
    assert.equal(
      formatError(null, { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } }),
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}}',
    );
  });
});

/** The access line is JSON whatever a client sends, and never holds a query or a token. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deny } from '../../../src/oauth/denial.ts';
import { type AccessRecord, formatAccessLine } from '../../../src/observe/access-line.ts';
import { parseObject } from '../../support/json.ts';

function record(override: Partial<AccessRecord> = {}): AccessRecord {
  return {
    nowMs: Date.UTC(2026, 2, 1),
    requestId: '6f1c1d3e-0000-4000-8000-000000000000',
    clientAddress: '203.0.113.7',
    head: { method: 'POST', target: '/mcp?access_token=secret' },
    status: 200,
    durationMs: 1.23456,
    bytesSent: 42,
    outcome: 'complete',
    accessToken: undefined,
    denial: undefined,
    ...override,
  };
}

describe('formatAccessLine', () => {
  it('tells of a request', () => {
    const line = formatAccessLine(record());
    assert.ok(line.endsWith('}\n'));
    assert.deepEqual(parseObject(line), {
      level: 'info',
      time: '2026-03-01T00:00:00.000Z',
      event: 'request',
      request_id: '6f1c1d3e-0000-4000-8000-000000000000',
      client: '203.0.113.7',
      method: 'POST',
      path: '/mcp',
      status: 200,
      duration_ms: 1.235,
      bytes: 42,
    });
  });

  it('names who it was, or why not, and that the client left', () => {
    const accessToken = {
      issuer: 'https://i',
      subject: 'al"ice\n',
      client: 'c\\',
      scopes: new Set<string>(),
      expiresAtMs: 0,
      scopeClaim: undefined,
      jkt: undefined,
      x5tS256: undefined,
    };
    const known = parseObject(formatAccessLine(record({ accessToken, outcome: 'aborted' })));
    assert.equal(known['issuer'], 'https://i');
    assert.equal(known['subject'], 'al"ice\n');
    assert.equal(known['oauth_client'], 'c\\');
    assert.equal(known['aborted'], true);
    const denial = deny('audience_mismatch', { expected: 'a"b', actual: 'c\u2028d' });
    const refused = parseObject(formatAccessLine(record({ denial })));
    assert.equal(refused['reason'], 'audience_mismatch');
    assert.equal(refused['expected'], 'a"b');
    assert.equal(refused['actual'], 'c\u2028d');
  });

  it('shows a terminal nothing that it would obey: DEL, C1, and what turns or hides text, in path and claims', () => {
    const hostile = '\u007f\u0085\u009b31m\u2028\u202e\u2066\ufeff';
    const accessToken = {
      issuer: hostile,
      subject: hostile,
      client: hostile,
      scopes: new Set<string>(),
      scopeClaim: undefined,
      expiresAtMs: 0,
      jkt: undefined,
      x5tS256: undefined,
    };
    const head = { method: 'GET', target: `/${hostile}` };
    const line = formatAccessLine(record({ head, accessToken, denial: deny('no_token', { actual: hostile }) }));
    assert.match(line, /^[\n\x20-\x7e]+$/);
    const { path, subject, actual } = parseObject(line);
    assert.deepEqual([path, subject, actual], [`/${hostile}`, hostile, hostile]);
  });

  it('is one line of JSON for hostile paths and claims, without the query', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (path, query, subject) => {
        const clean = path.replaceAll('?', '');
        const accessToken = {
          issuer: subject,
          subject,
          client: subject,
          scopes: new Set<string>(),
          expiresAtMs: 0,
          scopeClaim: undefined,
          jkt: undefined,
          x5tS256: undefined,
        };
        const line = formatAccessLine(
          record({
            head: { method: 'GET', target: `/${clean}?${query}` },
            accessToken,
            denial: deny('no_token', { actual: subject }),
          }),
        );
        assert.equal(line.indexOf('\n'), line.length - 1);
        const parsed = parseObject(line);
        assert.equal(parsed['path'], `/${clean}`);
        assert.equal(parsed['subject'], subject);
      }),
    );
  });
});

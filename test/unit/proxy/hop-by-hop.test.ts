/** Fields for one connection only, both ways. RFC 9110 §7.6.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionOptions } from '../../../src/proxy/hop-by-hop.ts';
import { formatClientHead } from '../../../src/proxy/response-headers.ts';

describe('connectionOptions', () => {
  const cases: readonly (readonly [fields: readonly string[], options: readonly string[]])[] = [
    [[], []],
    [['X', 'y'], []],
    [['Connection', 'close'], ['close']],
    [
      ['connection', ' X-One ,\tx-TWO'],
      ['x-one', 'x-two'],
    ],
    [
      ['Connection', 'a', 'X', 'y', 'CONNECTION', 'b'],
      ['a', 'b'],
    ],
  ];
  for (const [fields, options] of cases) {
    it(JSON.stringify(fields), () =>
      assert.deepEqual(
        [...connectionOptions(fields)].filter((option) => option !== ''),
        options,
      ),
    );
  }
});

describe('formatClientHead', () => {
  const OWN = ['X-Obex-Request-ID', 'id'];

  it('removes what is hop-by-hop by definition and what Obex says itself; the rest is byte for byte', () => {
    const removed = [
      'Keep-Alive',
      'KEEP-ALIVE',
      'Proxy-Authenticate',
      'proxy-connection',
      'TE',
      'Trailer',
      'Upgrade',
      'upgrade',
      'Access-Control-Allow-Origin',
      'access-control-anything',
      'X-Obex-Request-Id',
    ];
    const kept = [
      'Allow',
      'Age',
      'Karma',
      'Pragma',
      'P',
      'Tea',
      'Trailers',
      'Upgrade-Insecure-Requests',
      'WWW-Authenticate',
      'X-Obex-Other',
      'x-frame-options',
      '',
    ];
    const fields = [...removed, ...kept].flatMap((name) => [name, `value of ${name}`]);
    const head = formatClientHead({ status: 418, reason: 'Short', fields, length: 7 }, OWN);
    assert.deepEqual(head, {
      status: 418,
      reason: 'Short',
      length: 7,
      fields: [...kept.flatMap((name) => [name, `value of ${name}`]), ...OWN],
    });
  });
});

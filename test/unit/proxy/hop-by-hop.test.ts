/** Fields for one connection only, both ways. RFC 9110 §7.6.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionOptions } from '../../../src/proxy/hop-by-hop.ts';

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

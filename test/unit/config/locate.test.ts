/** Where the config file is looked for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConfigPlace, locateConfigFile } from '../../../src/config/locate.ts';

interface Places {
  readonly flag?: string;
  readonly insteadOfFile?: string;
  readonly variable?: string;
  readonly existing?: readonly string[];
}

function locate({ flag, insteadOfFile, variable, existing = [] }: Places): ConfigPlace | { problem: string } {
  const env = variable === undefined ? {} : { OBEX_CONFIG: variable };
  return locateConfigFile({ flags: { file: flag, insteadOfFile }, env, exists: (path) => existing.includes(path) });
}

const standard = ['/etc/obex/obex.yaml', './obex.yaml'];

describe('locateConfigFile', () => {
  it('takes --config, then $OBEX_CONFIG, /etc/obex/obex.yaml and ./obex.yaml', () => {
    assert.deepEqual(locate({ flag: 'a', variable: 'b', existing: ['a', 'b', ...standard] }), { file: 'a' });
    assert.deepEqual(locate({ variable: 'b', existing: ['b', ...standard] }), { file: 'b' });
    assert.deepEqual(locate({ existing: standard }), { file: '/etc/obex/obex.yaml' });
    assert.deepEqual(locate({ existing: ['./obex.yaml'] }), { file: './obex.yaml' });
  });

  it('never passes over a file that was named', () => {
    assert.deepEqual(locate({ flag: 'a', existing: standard }), { problem: 'a (from --config) does not exist' });
    assert.deepEqual(locate({ variable: 'b', existing: standard }), {
      problem: 'b (from $OBEX_CONFIG) does not exist',
    });
    assert.deepEqual(locate({ flag: '', existing: standard }), { problem: '--config is empty; name a file' });
    assert.deepEqual(locate({ variable: '', existing: standard }), {
      problem: 'OBEX_CONFIG is empty; let it name a config file, or unset it',
    });
  });

  it('says what to do when there is none', () => {
    assert.deepEqual(locate({}), {
      problem:
        'no config file: neither /etc/obex/obex.yaml nor ./obex.yaml exists; name one with --config FILE or OBEX_CONFIG, ' +
        'or do without: obex serve --backend URL',
    });
  });

  it('looks for none where a flag stands in its place, and says which one it passes over', () => {
    assert.deepEqual(locate({ insteadOfFile: '--backend' }), { file: undefined, passedOver: undefined });
    assert.deepEqual(locate({ insteadOfFile: '--', existing: standard }), {
      file: undefined,
      passedOver: '/etc/obex/obex.yaml',
    });
  });

  it('refuses $OBEX_CONFIG beside such a flag, also an empty one', () => {
    for (const variable of ['', 'a', './obex.yaml']) {
      assert.deepEqual(locate({ insteadOfFile: '--backend', variable, existing: standard }), {
        problem:
          'OBEX_CONFIG is set beside --backend, with which no file is read; unset it, or name the file with --config, which lays ' +
          'the flags over it',
      });
    }
  });
});

/** Errors as fields of the log and as lines for people. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog, errorField } from '../../../src/observe/log.ts';
import { parseObject } from '../../support/json.ts';

describe('createLog', () => {
  it('shows a terminal nothing that it would obey', () => {
    const hostile = 'a\u007f\u009b31m\u202eb';
    let line = '';
    createLog('info', { write: (text) => void (line += text) }).info('an_event', { hostile });
    assert.match(line, /^[\n\x20-\x7e]+$/);
    assert.equal(parseObject(line)['hostile'], hostile);
  });
});

describe('errorField', () => {
  it('names the causes in brackets', () => {
    const refused = new Error('listen EADDRINUSE', { cause: new Error('taken') });
    assert.equal(
      errorField(new Error('cannot listen', { cause: refused })),
      'cannot listen (listen EADDRINUSE (taken))',
    );
  });

  it('says nothing twice', () => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:1');
    assert.equal(errorField(new Error(`GET http://x: ${cause.message}`, { cause })), `GET http://x: ${cause.message}`);
  });

  it('says what was wrong with each address of a name', () => {
    const errors = [new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')];
    assert.equal(
      errorField(new AggregateError(errors)),
      'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
    );
  });

  it('takes anything that was thrown', () => {
    assert.equal(errorField('text'), 'text');
    assert.equal(errorField(new TypeError()), 'TypeError');
  });
});

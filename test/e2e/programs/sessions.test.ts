/** Sessions up to 2025-11-25: a process each, its messages as they are, its end in every way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { programOptions, startTestPrograms } from '../../support/programs/programs.ts';

describe('a session', () => {
  it('is opened by initialize and has a process of its own', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const one = await client().open();
    const other = await client().open();
    assert.equal(await one.callText('echo', { text: 'hello' }), 'hello');
    assert.notEqual(await one.callText('who'), await other.callText('who'));
  });
});

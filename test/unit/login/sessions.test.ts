/** Who is logged in, and the end of it, in the store itself. RFC 9700 §4.14, RFC 7009 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Family } from '../../../src/login/family.ts';
import { openMemory } from '../../../src/login/memory.ts';
import { Sessions } from '../../../src/login/sessions.ts';
import type { Log } from '../../../src/observe/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const CLIENT = `obex-${'c'.repeat(60)}`;
const TWIN = `${CLIENT.slice(0, 40)}${'d'.repeat(25)}`;
const HOUR_MS = 3_600_000;

async function start() {
  const clock = new FakeClock();
  const events: (readonly [event: string, fields: unknown])[] = [];
  const write = (event: string, fields = {}): void => void events.push([event, fields]);
  const log: Log = { debug: write, info: write, warn: write, error: write, setLevel: () => undefined };
  const memory = await openMemory({ store: { backend: 'memory' }, secret: 's'.repeat(32) }, clock, log);
  const begin = async (grantId: string, subject: string, clientId = CLIENT): Promise<void> => {
    const family: Family = {
      person: { subject, email: `${subject}@example.com`, name: undefined, groups: [] },
      grantId,
      clientId,
      clientName: 'A client',
      scopes: ['mcp:read'],
      upstreamToken: 'secret of the IdP',
      begunMs: clock.nowMs(),
      confirmedMs: 0,
    };
    await memory.families.put(grantId, family, clock.nowMs() + HOUR_MS);
    await memory.library.Grant.put(grantId, { accountId: subject }, clock.nowMs() + HOUR_MS);
  };
  return { clock, memory, events, begin, sessions: new Sessions(memory, log) };
}

describe('sessions', () => {
  it('lists who is logged in, the last first, and nothing of the IdP', async () => {
    const { clock, begin, sessions } = await start();
    await begin('one', 'ann');
    clock.advance(1_000);
    await begin('two', 'bob', TWIN);
    const rest = { clientName: 'A client', scopes: ['mcp:read'], confirmedMs: 0 };
    const bob = { subject: 'bob', email: 'bob@example.com', clientId: TWIN, begunMs: clock.nowMs(), ...rest };
    const ann = { subject: 'ann', email: 'ann@example.com', clientId: CLIENT, begunMs: clock.nowMs() - 1_000, ...rest };
    assert.deepEqual(await sessions.carryOut({ kind: 'sessions', whose: { by: 'all' } }), {
      kind: 'sessions',
      sessions: [bob, ann],
      total: 2,
    });
    const ofClient = await sessions.carryOut({ kind: 'sessions', whose: { by: 'client', name: CLIENT } });
    assert.deepEqual(ofClient, { kind: 'sessions', sessions: [ann], total: 1 });
    const ofSubject = await sessions.carryOut({ kind: 'sessions', whose: { by: 'subject', name: 'bob' } });
    assert.deepEqual(ofSubject, { kind: 'sessions', sessions: [bob], total: 1 });
  });

  it('lists a thousand at most, and says how many there are', async () => {
    const { begin, sessions } = await start();
    for (let count = 0; count < 1_001; count += 1) await begin(`grant-${count}`, 'ann');
    const outcome = await sessions.carryOut({ kind: 'sessions', whose: { by: 'all' } });
    assert.ok(outcome.kind === 'sessions');
    assert.deepEqual([outcome.sessions.length, outcome.total], [1_000, 1_001]);
  });
});

describe('revoke', () => {
  it('ends family and grant of one person, calls back what was issued until now, for longer than any token lives', async () => {
    const { clock, memory, events, begin, sessions } = await start();
    await begin('one', 'ann');
    await begin('two', 'ann', TWIN);
    await begin('three', 'bob');
    clock.advance(1_500);
    const outcome = await sessions.carryOut({ kind: 'revoke', whose: { by: 'subject', name: 'ann' } });
    assert.deepEqual(outcome, { kind: 'revoked', ended: 2 });
    for (const [grantId, isThere] of [
      ['one', false],
      ['two', false],
      ['three', true],
    ] as const) {
      assert.equal((await memory.families.get(grantId)) !== undefined, isThere);
      assert.equal((await memory.library.Grant.get(grantId)) !== undefined, isThere);
    }
    const [revocation, ...more] = memory.revocations.known;
    assert.deepEqual(more, []);
    const endsAtMs = clock.nowMs() + 70 * 60_000;
    const issuedUntil = Math.floor(clock.nowSeconds);
    assert.deepEqual(revocation, { by: 'subject', name: 'ann', issuedUntil, endsAtMs });
    assert.deepEqual(
      events.map(([event]) => event),
      ['login_ended', 'login_ended', 'login_tokens_revoked'],
    );
    assert.deepEqual(events.at(-1)?.[1], { by: 'subject', subject: 'ann', ended: 2 });
  });

  it('calls tokens back where there is no session: others may have none', async () => {
    const { memory, sessions } = await start();
    assert.deepEqual(await sessions.carryOut({ kind: 'revoke', whose: { by: 'subject', name: 'ann' } }), {
      kind: 'revoked',
      ended: 0,
    });
    assert.deepEqual(
      memory.revocations.known.map(({ name }) => name),
      ['ann'],
    );
  });

  it('takes a client by its id, and by as much of it as is shown', async () => {
    for (const name of [CLIENT, CLIENT.slice(0, 32), `${CLIENT.slice(0, 32)}…`]) {
      const { memory, begin, sessions } = await start();
      await begin('one', 'ann');
      assert.deepEqual(await sessions.carryOut({ kind: 'revoke', whose: { by: 'client', name } }), {
        kind: 'revoked',
        ended: 1,
      });
      assert.deepEqual(
        memory.revocations.known.map(({ name: of }) => of),
        [CLIENT],
      );
    }
  });

  it('does nothing where it is not clear which client is meant', async () => {
    const { memory, begin, sessions } = await start();
    await begin('one', 'ann');
    await begin('two', 'ann', TWIN);
    const outcome = await sessions.carryOut({ kind: 'revoke', whose: { by: 'client', name: CLIENT.slice(0, 32) } });
    assert.ok(outcome.kind === 'ambiguous');
    assert.deepEqual(outcome.clients.toSorted(), [CLIENT, TWIN]);
    const nobody = await sessions.carryOut({ kind: 'revoke', whose: { by: 'client', name: 'obex-unknown…' } });
    assert.deepEqual(nobody, { kind: 'ambiguous', clients: [] });
    assert.deepEqual([await memory.families.count(), memory.revocations.known], [2, []]);
    // The whole id says which.
    const exact = await sessions.carryOut({ kind: 'revoke', whose: { by: 'client', name: TWIN } });
    assert.deepEqual(exact, { kind: 'revoked', ended: 1 });
  });

  it('of everybody', async () => {
    const { memory, begin, sessions } = await start();
    await begin('one', 'ann');
    await begin('two', 'bob');
    assert.deepEqual(await sessions.carryOut({ kind: 'revoke', whose: { by: 'all' } }), { kind: 'revoked', ended: 2 });
    assert.equal(await memory.families.count(), 0);
    assert.deepEqual(
      memory.revocations.known.map(({ by }) => by),
      ['all'],
    );
  });
});

describe('what another replica has called back', () => {
  it('is read from the store, and forgotten when it has ended', async () => {
    const { clock, memory } = await start();
    await memory.revocations.add('client', CLIENT);
    assert.equal(await memory.revocations.refresh(), false);
    clock.advance(70 * 60_000);
    assert.equal(await memory.revocations.refresh(), true);
    assert.deepEqual(memory.revocations.known, []);
  });
});

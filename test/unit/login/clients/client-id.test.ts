/** Client ids that hold their registration. RFC 7591 §3.2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientIds } from '../../../../src/login/clients/client-id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const REGISTRATION = { redirectUris: ['http://localhost:3334/cb', 'cursor://x/y'], name: 'Kühl & Söhne' };
const DAY_MS = 86_400_000;

function setUp(key = Buffer.alloc(32, 1), clock = new FakeClock()) {
  return { ...createClientIds({ key, clock }), clock };
}

function sealed({ seal } = setUp(), registration: Parameters<typeof seal>[0] = REGISTRATION): string {
  const made = seal(registration);
  assert.ok(made);
  return made.clientId;
}

describe('createClientIds', () => {
  it('opens what it sealed', () => {
    const ids = setUp();
    const made = ids.seal(REGISTRATION);
    assert.equal(made?.created, ids.clock.nowSeconds);
    assert.match(made?.clientId ?? '', /^obex-[A-Za-z0-9_-]+$/);
    assert.deepEqual(ids.open(made?.clientId ?? ''), { ...REGISTRATION, created: ids.clock.nowSeconds });
  });

  it('keeps the absence of a name', () => {
    const ids = setUp();
    const opened = ids.open(sealed(ids, { redirectUris: ['http://localhost/cb'], name: undefined }));
    assert.deepEqual(opened, { redirectUris: ['http://localhost/cb'], name: undefined, created: ids.clock.nowSeconds });
  });

  it('gives every registration an id of its own, which other replicas open', () => {
    const ids = setUp();
    const made = new Set(Array.from({ length: 50 }, () => sealed(ids)));
    assert.equal(made.size, 50);
    for (const id of made) assert.deepEqual(setUp().open(id)?.redirectUris, REGISTRATION.redirectUris);
  });

  it('opens nothing that another key sealed', () => {
    assert.equal(setUp(Buffer.alloc(32, 2)).open(sealed()), undefined);
  });

  it('opens nothing in which one character has changed, been added or been left out', () => {
    const ids = setUp();
    const id = sealed(ids);
    for (let at = 0; at < id.length; at += 1) {
      const other = id[at] === 'A' ? 'B' : 'A';
      assert.equal(ids.open(id.slice(0, at) + other + id.slice(at + 1)), undefined, `changed at ${at}`);
      assert.equal(ids.open(id.slice(0, at) + id.slice(at + 1)), undefined, `left out at ${at}`);
      for (const extra of ['A', '=', ' ', '.', '\n']) {
        assert.equal(ids.open(id.slice(0, at) + extra + id.slice(at)), undefined, `added at ${at}`);
      }
    }
  });

  it('is one client by one id: what base64url decoders pass over is refused', () => {
    const ids = setUp();
    // 1, 2 and 3 bytes beyond a multiple of three: 4 or 2 unused bits, or none.
    for (const name of ['a', 'ab', 'abc']) {
      const id = sealed(ids, { ...REGISTRATION, name });
      const same = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_').filter(
        (last) => ids.open(id.slice(0, -1) + last) !== undefined,
      );
      assert.deepEqual(same, [id.slice(-1)]);
    }
    const id = sealed(ids);
    for (const spelling of [`${id}=`, `${id}==`, ` ${id}`, `${id}\n`, id.toUpperCase(), id.replace('obex-', 'Obex-')]) {
      assert.equal(ids.open(spelling), undefined);
    }
  });

  it('opens nothing else', () => {
    const { open } = setUp();
    for (const id of [
      '',
      'obex-',
      'obex-AAAA',
      `obex-${'A'.repeat(38)}`,
      `obex-${'A'.repeat(100_000)}`,
      'https://a.example/',
    ]) {
      assert.equal(open(id), undefined);
    }
  });

  it('ends a registration after 365 days', () => {
    const ids = setUp();
    const id = sealed(ids);
    ids.clock.advance(365 * DAY_MS);
    assert.ok(ids.open(id));
    ids.clock.advance(1000);
    assert.equal(ids.open(id), undefined);
  });

  it('opens what a replica sealed whose clock is ahead', () => {
    const ahead = new FakeClock();
    ahead.advance(5000);
    assert.ok(setUp().open(sealed(setUp(undefined, ahead))));
  });

  it('seals up to 2 KB', () => {
    const ids = setUp();
    // JSON of the rest: {"u":[""],"n":"n","c":1772366400}
    const largest = 2048 - JSON.stringify({ u: [''], n: 'n', c: ids.clock.nowSeconds }).length;
    const id = sealed(ids, { redirectUris: ['u'.repeat(largest)], name: 'n' });
    assert.equal(id.length, 2773);
    assert.equal(ids.open(id)?.redirectUris[0]?.length, largest);
    assert.equal(ids.seal({ redirectUris: ['u'.repeat(largest + 1)], name: 'n' }), undefined);
  });

  it('shows nothing of a registration in its id', () => {
    const text = Buffer.from(sealed().slice('obex-'.length), 'base64url').toString('latin1');
    assert.doesNotMatch(text, /localhost|cursor|Kühl/);
  });
});

/** Obex's own signing keys as the gate has them: told, never fetched, and never lost with their thread. RFC 7517 §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoginKeys } from '../../../src/state/login-keys.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { issuerKey } from '../../support/test-issuer.ts';

const SOURCE = {
  issuer: 'https://tool.example',
  jwksUri: undefined,
  allowHttp: false,
  ca: undefined,
  isOwn: true,
} as const;
const KEY_1 = issuerKey('ES256', 'key-1').jwk;
const KEY_2 = issuerKey('ES256', 'key-2').jwk;

function createKeys() {
  const clock = new FakeClock();
  const told = new Set<(jwks: readonly object[]) => void>();
  const keys = new LoginKeys(
    SOURCE,
    (accept) => {
      told.add(accept);
      return () => void told.delete(accept);
    },
    clock,
  );
  const tell = (...jwks: readonly object[]): void => {
    for (const accept of told) accept(jwks);
  };
  return { keys, tell, clock, told };
}

const kidsOf = ({ keys }: LoginKeys): readonly (string | undefined)[] | undefined => keys?.map(({ kid }) => kid);

describe('LoginKeys', () => {
  it('has none before it is told, then those of the last word; a change is told, a repetition is none', () => {
    const { keys, tell, clock } = createKeys();
    const changes: number[] = [];
    let told = 0;
    keys.onChange((next) => void changes.push(next.length));
    keys.onFetched = () => void (told += 1);
    keys.start();
    assert.deepEqual([keys.keys, keys.lastFetchFailed], [undefined, false]);
    assert.deepEqual(keys.statistics, { successes: 0, failures: 0, fetchedAtMs: 0 });
    tell(KEY_1);
    const [first] = keys.keys ?? [];
    tell(KEY_1);
    tell(KEY_1, KEY_2, KEY_2);
    assert.deepEqual(kidsOf(keys), ['key-1', 'key-2']);
    assert.equal(keys.keys?.[0], first, 'a verified token is traced to its key by identity');
    assert.deepEqual([changes, told], [[1, 2], 3]);
    assert.deepEqual(keys.statistics, { successes: 3, failures: 0, fetchedAtMs: clock.nowMs() });
  });

  it('has nothing to fetch for a request', async () => {
    const { keys } = createKeys();
    keys.start();
    assert.equal(await keys.refresh(), false);
  });

  it('a key that cannot verify is left out', () => {
    const { keys, tell } = createKeys();
    keys.start();
    tell(KEY_1, { kty: 'oct', k: 'AAAA' }, {});
    assert.deepEqual(kidsOf(keys), ['key-1']);
  });

  it('is told once however often it is started, and not at all when it has stopped', () => {
    const { keys, tell, told } = createKeys();
    keys.start();
    keys.start();
    assert.equal(told.size, 1);
    tell(KEY_1);
    keys.stop();
    tell(KEY_2);
    assert.deepEqual(kidsOf(keys), ['key-1']);
  });
});

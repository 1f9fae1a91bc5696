/** The key cache against an issuer that does everything wrong; time and answers are the test's. RFC 7517 §5, RFC 8414 §3. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import type { VerificationKey } from '../../../src/oauth/jwks.ts';
import type { Log } from '../../../src/observe/log.ts';
import { JwksCache, type JwksSource, type JwksTimes } from '../../../src/state/jwks-cache.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { issuerKey } from '../../support/test-issuer.ts';

const SOURCE: JwksSource = {
  issuer: 'https://issuer.example',
  jwksUri: 'https://issuer.example/jwks',
  allowHttp: false,
  ca: undefined,
};
const TIMES: JwksTimes = { refreshMs: 600_000, maxStaleMs: 86_400_000 };
const KEY_1 = issuerKey('ES256', 'key-1').jwk;
const KEY_2 = issuerKey('ES256', 'key-2').jwk;

interface Fixture {
  readonly cache: JwksCache;
  readonly clock: FakeClock;
  readonly fetched: string[];
  readonly events: { readonly name: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** What each URL answers; an Error rejects, a missing one is a 404. */
  readonly answers: Record<string, unknown>;
  /** When set, fetches wait for it. */
  gate: Promise<void> | undefined;
}

function createFixture(overrides: Partial<JwksSource> = {}): Fixture {
  const clock = new FakeClock();
  const events: Fixture['events'] = [];
  const note = (name: string, fields = {}): void => void events.push({ name, fields });
  const log: Log = { debug: note, info: note, warn: note, error: note, setLevel: () => undefined };
  const fixture: Fixture = {
    clock,
    events,
    fetched: [],
    answers: { 'https://issuer.example/jwks': { keys: [KEY_1] } },
    gate: undefined,
    cache: new JwksCache(
      { ...SOURCE, ...overrides },
      {
        clock,
        log,
        fetchJson: async (url) => {
          fixture.fetched.push(url);
          await fixture.gate;
          const answer = fixture.answers[url];
          if (answer === undefined) throw new Error(`GET ${url}: expected status 200, got 404`);
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
    ),
  };
  return fixture;
}

/** Lets promises run; timers are mocked, so nothing else does. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function started(times: Partial<JwksTimes> = {}): Promise<Fixture> {
  const fixture = createFixture();
  fixture.cache.start({ ...TIMES, ...times });
  await settle();
  return fixture;
}

async function pass(fixture: Fixture, ms: number): Promise<void> {
  fixture.clock.advance(ms);
  mock.timers.tick(ms);
  await settle();
}

function kids(keys: readonly VerificationKey[] | undefined): readonly (string | undefined)[] | undefined {
  return keys?.map(({ kid }) => kid);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

describe('JwksCache: fetching', () => {
  it('begins at start and never before', async () => {
    const fixture = createFixture();
    await settle();
    assert.deepEqual(fixture.fetched, []);
    assert.equal(fixture.cache.keys, undefined);
    fixture.cache.start(TIMES);
    await settle();
    assert.deepEqual(fixture.fetched, [SOURCE.jwksUri]);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    assert.deepEqual(fixture.cache.statistics, { successes: 1, failures: 0, fetchedAtMs: fixture.clock.nowMs() });
  });

  it('single flight: whoever needs keys meanwhile waits for the one fetch', async () => {
    const fixture = createFixture();
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.gate = promise;
    fixture.cache.start(TIMES);
    const waiting = Promise.all(Array.from({ length: 100 }, () => fixture.cache.refresh(true)));
    await settle();
    assert.equal(fixture.fetched.length, 1);
    resolve();
    await waiting;
    assert.equal(fixture.fetched.length, 1);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
  });

  it('refreshes in the background, once per period', async () => {
    const fixture = await started();
    await pass(fixture, 599_999);
    assert.equal(fixture.fetched.length, 1);
    await pass(fixture, 1);
    assert.equal(fixture.fetched.length, 2);
    await pass(fixture, 600_000);
    assert.equal(fixture.fetched.length, 3);
  });

  it('started again by each reload that keeps it, it keeps one rhythm', async () => {
    const fixture = await started();
    for (let reload = 0; reload < 5; reload += 1) fixture.cache.start(TIMES);
    await settle();
    await pass(fixture, 600_000);
    await pass(fixture, 600_000);
    assert.equal(fixture.fetched.length, 3);
    fixture.cache.stop();
    await pass(fixture, 10_000_000);
    assert.equal(fixture.fetched.length, 3);
  });

  it('started again with another period, it keeps its keys, and the pause under way is cut or stretched', async () => {
    const fixture = await started();
    await pass(fixture, 40_000);
    fixture.cache.start({ ...TIMES, refreshMs: 60_000 });
    await pass(fixture, 19_999);
    assert.equal(fixture.fetched.length, 1);
    await pass(fixture, 1);
    assert.equal(fixture.fetched.length, 2);
    await pass(fixture, 30_000);
    fixture.cache.start({ ...TIMES, refreshMs: 120_000 });
    await pass(fixture, 89_999);
    assert.equal(fixture.fetched.length, 2);
    await pass(fixture, 1);
    assert.equal(fixture.fetched.length, 3);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    await pass(fixture, 50_000);
    fixture.cache.start({ ...TIMES, refreshMs: 10_000 });
    await pass(fixture, 0);
    assert.equal(fixture.fetched.length, 4, 'overdue by the new period: at once');
  });

  it('started again with another max_stale, it keeps its keys that long since the last success', async () => {
    const fixture = await started({ maxStaleMs: 100_000, refreshMs: 30_000 });
    fixture.answers['https://issuer.example/jwks'] = new Error('down');
    await pass(fixture, 90_000);
    fixture.cache.start({ maxStaleMs: 200_000, refreshMs: 30_000 });
    for (let elapsed = 90_000; elapsed < 200_000; elapsed += 10_000) await pass(fixture, 10_000);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    for (let elapsed = 0; elapsed < 40_000; elapsed += 10_000) await pass(fixture, 10_000);
    assert.equal(fixture.cache.keys, undefined);
  });

  it('what a request asked for neither hastens nor delays the background', async () => {
    const fixture = await started();
    await pass(fixture, 300_000);
    await fixture.cache.refresh(true);
    await pass(fixture, 299_999);
    assert.equal(fixture.fetched.length, 2);
    await pass(fixture, 1);
    assert.equal(fixture.fetched.length, 3);
    await pass(fixture, 599_999);
    assert.equal(fixture.fetched.length, 3);
  });

  it('after stop nothing is fetched any more, not even when a fetch was under way', async () => {
    const fixture = createFixture();
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.gate = promise;
    fixture.cache.start(TIMES);
    fixture.cache.stop();
    resolve();
    await settle();
    await pass(fixture, 10_000_000);
    assert.equal(fixture.fetched.length, 1);
  });
});

describe('JwksCache: the budget for requests', () => {
  it('a flood costs at most five fetches in any minute', async () => {
    const fixture = await started();
    for (let round = 0; round < 1000; round += 1) await fixture.cache.refresh(true);
    assert.equal(fixture.fetched.length, 1 + 5);
    await pass(fixture, 59_999);
    await fixture.cache.refresh(true);
    assert.equal(fixture.fetched.length, 1 + 5);
    await pass(fixture, 1);
    for (let round = 0; round < 1000; round += 1) await fixture.cache.refresh(true);
    assert.equal(fixture.fetched.length, 1 + 10);
  });

  it('slides: five fetches spread over a minute leave nothing until the first is a minute old', async () => {
    const fixture = await started();
    for (let round = 0; round < 5; round += 1) {
      await fixture.cache.refresh(true);
      await pass(fixture, 10_000);
    }
    await fixture.cache.refresh(true);
    assert.equal(fixture.fetched.length, 6);
    await pass(fixture, 10_000);
    await fixture.cache.refresh(true);
    await fixture.cache.refresh(true);
    assert.equal(fixture.fetched.length, 7);
  });

  it('joining a fetch under way is free, also for a token that is not worth one', async () => {
    const fixture = await started();
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.gate = promise;
    const first = fixture.cache.refresh(true);
    let joined = false;
    const second = fixture.cache.refresh(false).then(() => {
      joined = true;
    });
    await settle();
    assert.equal(joined, false);
    resolve();
    await Promise.all([first, second]);
    assert.equal(fixture.fetched.length, 2);
  });

  it('what is not worth a fetch starts none', async () => {
    const fixture = await started();
    await fixture.cache.refresh(false);
    assert.equal(fixture.fetched.length, 1);
  });
});

describe('JwksCache: keys for algorithms that are not accepted', () => {
  const warned = ({ events }: Fixture): readonly object[] =>
    events.filter(({ name }) => name === 'jwks_keys_not_accepted').map(({ fields }) => fields);
  const WARNING = {
    issuer: SOURCE.issuer,
    key_algorithms: ['ES256'],
    accepted_algorithms: ['RS256', 'EdDSA'],
    cure: 'add one of key_algorithms to idp.accepted_algorithms, or to those of this issuer',
  };

  it('are warned of when fetched, once for each set', async () => {
    const fixture = createFixture();
    fixture.cache.expectAlgorithms(new Set(['RS256', 'EdDSA']));
    fixture.cache.start(TIMES);
    await settle();
    assert.deepEqual(warned(fixture), [WARNING]);
    await pass(fixture, 600_000);
    assert.deepEqual(warned(fixture), [WARNING], 'the same set is no news');
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_1, KEY_2] };
    await pass(fixture, 600_000);
    assert.deepEqual(warned(fixture), [WARNING, WARNING]);
  });

  it('are no matter as long as one key fits, or there is none', async () => {
    const fixture = createFixture();
    fixture.cache.expectAlgorithms(new Set(['RS256']));
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_1, issuerKey('RS256', 'rsa').jwk] };
    fixture.cache.start(TIMES);
    await settle();
    fixture.answers['https://issuer.example/jwks'] = { keys: [] };
    await pass(fixture, 600_000);
    assert.deepEqual(warned(fixture), []);
  });

  it('are warned of by a reload that accepts other algorithms', async () => {
    const fixture = await started();
    fixture.cache.expectAlgorithms(new Set(['ES256']));
    assert.deepEqual(warned(fixture), []);
    fixture.cache.expectAlgorithms(new Set(['RS256', 'EdDSA']));
    assert.deepEqual(warned(fixture), [WARNING]);
  });
});

describe('JwksCache: outages', () => {
  const failures: Readonly<Record<string, unknown>> = {
    'a failed fetch': new Error('down'),
    'a document that is no JWK Set': { keys: 'x' },
    'an array': [KEY_1],
    'a set without a usable key': { keys: [{ kty: 'oct', k: 'AAAA' }] },
  };
  for (const [how, answer] of Object.entries(failures)) {
    it(`${how} leaves the known keys in force and says so`, async () => {
      const fixture = await started();
      fixture.answers['https://issuer.example/jwks'] = answer;
      await fixture.cache.refresh(true);
      assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
      assert.equal(fixture.cache.lastFetchFailed, true);
      assert.equal(fixture.cache.statistics.failures, 1);
      const event = fixture.events.at(-1);
      assert.equal(event?.name, 'jwks_fetch_failed');
      assert.equal(event?.fields['serving_stale_keys'], true);
    });
  }

  it('a set without a usable key says of each why', async () => {
    const fixture = createFixture();
    fixture.answers['https://issuer.example/jwks'] = {
      keys: [
        { kty: 'oct', k: 'AAAA' },
        { ...KEY_1, use: 'enc' },
      ],
    };
    fixture.cache.start(TIMES);
    await settle();
    assert.deepEqual(fixture.events, [
      {
        name: 'jwks_fetch_failed',
        fields: {
          issuer: SOURCE.issuer,
          error: 'https://issuer.example/jwks: the JWK Set holds no key that can verify a signature',
          serving_stale_keys: false,
          ignored_keys: [
            { kid: undefined, why: 'a symmetric key' },
            { kid: 'key-1', why: 'use is not sig' },
          ],
        },
      },
    ]);
  });

  it('an empty set is obeyed: an issuer that withdraws every key in an emergency must be able to', async () => {
    const fixture = await started();
    fixture.answers['https://issuer.example/jwks'] = { keys: [] };
    await fixture.cache.refresh(true);
    assert.deepEqual(kids(fixture.cache.keys), []);
    assert.equal(fixture.cache.lastFetchFailed, false);
  });

  it('keys are kept for max_stale and not longer', async () => {
    const fixture = await started({ maxStaleMs: 100_000, refreshMs: 30_000 });
    fixture.answers['https://issuer.example/jwks'] = new Error('down');
    const heard: (readonly VerificationKey[])[] = [];
    fixture.cache.onChange((keys) => heard.push(keys));
    for (let elapsed = 0; elapsed < 100_000; elapsed += 10_000) await pass(fixture, 10_000);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    assert.deepEqual(heard, []);
    for (let elapsed = 0; elapsed < 40_000; elapsed += 10_000) await pass(fixture, 10_000);
    assert.equal(fixture.cache.keys, undefined);
    assert.deepEqual(heard, [[]], 'whoever keeps verified tokens hears that no key is left');
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_1] };
    await pass(fixture, 30_000);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
  });

  for (const [how, jumpMs] of Object.entries({ ahead: 86_400_000, back: -86_400_000 })) {
    it(`a wall clock that jumps a day ${how} in an outage makes keys neither stale nor fresh`, async () => {
      const fixture = await started({ maxStaleMs: 100_000, refreshMs: 30_000 });
      fixture.answers['https://issuer.example/jwks'] = new Error('down');
      fixture.clock.jump(jumpMs);
      await pass(fixture, 90_000);
      assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
      await pass(fixture, 60_000);
      assert.equal(fixture.cache.keys, undefined);
    });
  }

  it('retries after 1 s, then twice as long each time up to 30 s, and begins anew after a success', async () => {
    const fixture = createFixture();
    fixture.answers['https://issuer.example/jwks'] = new Error('down');
    fixture.cache.start(TIMES);
    await settle();
    for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const before = fixture.fetched.length;
      await pass(fixture, pause - 1);
      assert.equal(fixture.fetched.length, before, `not before ${pause} ms`);
      await pass(fixture, 1);
      assert.equal(fixture.fetched.length, before + 1, `after ${pause} ms`);
    }
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_1] };
    await pass(fixture, 30_000);
    assert.equal(fixture.cache.lastFetchFailed, false);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    fixture.answers['https://issuer.example/jwks'] = new Error('down again');
    await pass(fixture, 600_000);
    const before = fixture.fetched.length;
    await pass(fixture, 1_000);
    assert.equal(fixture.fetched.length, before + 1);
  });

  it('never retries later than the refresh period', async () => {
    const fixture = createFixture();
    fixture.answers['https://issuer.example/jwks'] = new Error('down');
    fixture.cache.start({ ...TIMES, refreshMs: 3_000 });
    await settle();
    for (const pause of [1_000, 2_000, 3_000, 3_000]) {
      const before = fixture.fetched.length;
      await pass(fixture, pause);
      assert.equal(fixture.fetched.length, before + 1);
    }
  });
});

describe('RFC 7517 §5: one bad key does not sink the set', () => {
  it('the good ones are used, the bad ones are named in the log', async () => {
    const fixture = createFixture();
    fixture.answers['https://issuer.example/jwks'] = {
      keys: [{ kty: 'oct', kid: 's', k: 'AA' }, 7, { kty: 'EC', kid: 'b' }, KEY_1],
    };
    fixture.cache.start(TIMES);
    await settle();
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    const ignored = fixture.events.find(({ name }) => name === 'jwks_fetched')?.fields['ignored_keys'];
    assert.ok(Array.isArray(ignored));
    assert.equal(ignored.length, 3);
  });
});

describe('JwksCache: changes', () => {
  it('keeps the objects of keys that stay, so that tokens can be traced by identity', async () => {
    const fixture = await started();
    const [before] = fixture.cache.keys ?? [];
    const heard: (readonly VerificationKey[])[] = [];
    fixture.cache.onChange((keys) => heard.push(keys));
    await fixture.cache.refresh(true);
    assert.equal(fixture.cache.keys?.[0], before);
    assert.equal(heard.length, 0, 'nothing has changed');
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_2, KEY_1] };
    await fixture.cache.refresh(true);
    assert.equal(heard.length, 1);
    assert.equal(heard[0]?.[1], before);
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_2] };
    await fixture.cache.refresh(true);
    assert.deepEqual(
      heard.map((keys) => kids(keys)),
      [['key-2', 'key-1'], ['key-2']],
    );
  });

  it('a key that the set lists twice is one: it is not withdrawn at the next fetch', async () => {
    const fixture = await started();
    const [before] = fixture.cache.keys ?? [];
    const heard: (readonly VerificationKey[])[] = [];
    fixture.cache.onChange((keys) => heard.push(keys));
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_1, KEY_1] };
    for (let round = 0; round < 3; round += 1) await fixture.cache.refresh(true);
    assert.deepEqual(fixture.cache.keys, [before]);
    assert.equal(heard.length, 0);
  });

  const changes: Readonly<Record<string, unknown>> = {
    'another key under the same kid': { ...KEY_2, kid: 'key-1' },
    'the same key under another kid': { ...KEY_1, kid: 'other' },
    'the same key without a kid': { ...KEY_1, kid: undefined },
  };
  for (const [how, jwk] of Object.entries(changes)) {
    it(`${how} is a change`, async () => {
      const fixture = await started();
      const [before] = fixture.cache.keys ?? [];
      let heard = 0;
      fixture.cache.onChange(() => {
        heard += 1;
      });
      fixture.answers['https://issuer.example/jwks'] = { keys: [jwk] };
      await fixture.cache.refresh(true);
      assert.equal(heard, 1);
      assert.notEqual(fixture.cache.keys?.[0], before);
    });
  }

  it('a key that may be used with fewer algorithms is another key', async () => {
    const rsa = issuerKey('RS256', 'rsa').jwk;
    const fixture = createFixture();
    fixture.answers['https://issuer.example/jwks'] = { keys: [{ ...rsa, alg: undefined }] };
    fixture.cache.start(TIMES);
    await settle();
    const [before] = fixture.cache.keys ?? [];
    fixture.answers['https://issuer.example/jwks'] = { keys: [rsa] };
    await fixture.cache.refresh(true);
    assert.notEqual(fixture.cache.keys?.[0], before);
    assert.deepEqual([...(fixture.cache.keys?.[0]?.algorithms ?? [])], ['RS256']);
  });

  it('a listener that has gone hears nothing more', async () => {
    const fixture = await started();
    let heard = 0;
    const stop = fixture.cache.onChange(() => {
      heard += 1;
    });
    stop();
    fixture.answers['https://issuer.example/jwks'] = { keys: [KEY_2] };
    await fixture.cache.refresh(true);
    assert.equal(heard, 0);
  });
});

describe('RFC 8414 §3: discovery when jwks_uri is absent', () => {
  const OAUTH = 'https://issuer.example/.well-known/oauth-authorization-server';
  const OPENID = 'https://issuer.example/.well-known/openid-configuration';
  const document = { issuer: SOURCE.issuer, jwks_uri: 'https://keys.example/k' };

  it('RFC 8414 first', async () => {
    const fixture = createFixture({ jwksUri: undefined });
    Object.assign(fixture.answers, {
      [OAUTH]: document,
      [OPENID]: document,
      'https://keys.example/k': { keys: [KEY_1] },
    });
    fixture.cache.start(TIMES);
    await settle();
    assert.deepEqual(fixture.fetched, [OAUTH, 'https://keys.example/k']);
    assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
  });

  const useless: Readonly<Record<string, unknown>> = {
    'a 404': undefined,
    'a document of another issuer (§3.3)': { ...document, issuer: 'https://evil.example' },
    'an issuer with another trailing slash': { ...document, issuer: `${SOURCE.issuer}/` },
    'no jwks_uri': { issuer: SOURCE.issuer },
    'a plain http jwks_uri': { ...document, jwks_uri: 'http://keys.example/k' },
    'no object': 7,
  };
  for (const [how, answer] of Object.entries(useless)) {
    it(`OpenID Connect Discovery after ${how}`, async () => {
      const fixture = createFixture({ jwksUri: undefined });
      Object.assign(fixture.answers, {
        [OAUTH]: answer,
        [OPENID]: document,
        'https://keys.example/k': { keys: [KEY_1] },
      });
      fixture.cache.start(TIMES);
      await settle();
      assert.deepEqual(fixture.fetched, [OAUTH, OPENID, 'https://keys.example/k']);
      assert.deepEqual(kids(fixture.cache.keys), ['key-1']);
    });
  }

  it('nothing usable is a failed fetch that names both problems', async () => {
    const fixture = createFixture({ jwksUri: undefined });
    fixture.answers[OPENID] = { ...document, issuer: 'https://evil.example' };
    fixture.cache.start(TIMES);
    await settle();
    assert.equal(fixture.cache.lastFetchFailed, true);
    const error = String(fixture.events.at(-1)?.fields['error']);
    const cure = 'if that is the issuer that you trust, write issuer: "https://evil.example" under idp';
    assert.match(error, /^no usable metadata of this issuer: .*404/);
    assert.ok(error.endsWith(`; GET ${OPENID} names "https://evil.example"; ${cure}`), error);
  });

  it('is done anew at each fetch, because keys may move', async () => {
    const fixture = createFixture({ jwksUri: undefined });
    Object.assign(fixture.answers, {
      [OAUTH]: document,
      'https://keys.example/k': { keys: [KEY_1] },
      'https://keys.example/l': { keys: [KEY_2] },
    });
    fixture.cache.start(TIMES);
    await settle();
    fixture.answers[OAUTH] = { ...document, jwks_uri: 'https://keys.example/l' };
    await fixture.cache.refresh(true);
    assert.deepEqual(kids(fixture.cache.keys), ['key-2']);
  });
});

/** The introspection endpoint against a script; time and answers are the test's. RFC 7662 §2, RFC 9110 §10.2.3. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import type { Log } from '../../../src/observe/log.ts';
import { FetchError, UnexpectedStatus } from '../../../src/state/fetch-json.ts';
import {
  type Introspected,
  IntrospectionEndpoint,
  type IntrospectionEndpointOptions,
  type IntrospectionSource,
  type Unanswered,
} from '../../../src/state/introspection-endpoint.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { Cleanup } from '../../support/obex.ts';

const SOURCE: IntrospectionSource = {
  issuer: 'https://issuer.example',
  endpoint: 'https://issuer.example/introspect',
  allowHttp: false,
  ca: undefined,
  clientId: 'obex',
  clientSecret: 'secret',
  key: 'idp.introspection',
};
const METADATA = 'https://issuer.example/.well-known/oauth-authorization-server';

type Script = (token: string, url: string) => string | Error | Promise<string>;

const INACTIVE: Script = () => '{"active":false}';
const ACTIVE: Script = () => '{"active":true}';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));

interface Fixture {
  readonly clock: FakeClock;
  readonly endpoint: IntrospectionEndpoint;
  readonly events: { readonly name: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** Tokens that were asked about, in order; those of Obex's own as `probe`. */
  readonly asked: string[];
  readonly results: string[];
  readonly documents: Record<string, unknown>;
  script: Script;
  /** What chance brings, from 0 up to 1. */
  chance: number;
}

function createFixture(context: Cleanup, overrides: Partial<IntrospectionSource> = {}): Fixture {
  context.after(() => mock.timers.reset());
  const clock = new FakeClock();
  const events: Fixture['events'] = [];
  const note = (name: string, fields = {}): void => void events.push({ name, fields });
  const log: Log = { debug: note, info: note, warn: note, error: note, setLevel: () => undefined };
  const options: IntrospectionEndpointOptions = {
    clock,
    log,
    metrics: { requestBegan: () => undefined, requestEnded: (result) => void fixture.results.push(result) },
    fetchJson: async (url) => fixture.documents[url] ?? Promise.reject(new FetchError(`GET ${url}: 404`)),
    post: async (url, token) => {
      fixture.asked.push(/^t\d/.test(token) && token.length < 4 ? token : 'probe');
      const answer = await fixture.script(token, url);
      if (answer instanceof Error) throw answer;
      return Buffer.from(answer);
    },
    random: () => fixture.chance,
  };
  const fixture: Fixture = {
    clock,
    events,
    asked: [],
    results: [],
    documents: {},
    script: INACTIVE,
    chance: 1,
    endpoint: new IntrospectionEndpoint({ ...SOURCE, ...overrides }, options),
  };
  return fixture;
}

/** As `postForm` rejects. */
function status(code: number, retryAfter?: string): Script {
  const fields = retryAfter === undefined ? [] : ['Retry-After', retryAfter];
  const cause = new UnexpectedStatus({ status: code, reason: '', fields, length: 0 });
  return () => new FetchError(`POST ${SOURCE.endpoint}: ${cause.message}`, { cause });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Both clocks. */
async function pass(fixture: { readonly clock: FakeClock }, ms: number): Promise<void> {
  fixture.clock.advance(ms);
  mock.timers.tick(ms);
  await settle();
}

function kindOf(outcome: Introspected | Unanswered): string {
  if ('problem' in outcome) return outcome.wasAsked ? 'failed' : 'spared';
  return outcome.response.active ? 'active' : 'inactive';
}

describe('the introspection endpoint', () => {
  it('is tried at the start with a token of nobody, and requests that come meanwhile wait', async (context) => {
    const fixture = createFixture(context);
    assert.match(fixture.endpoint.problem ?? '', /has not answered yet/);
    fixture.endpoint.start();
    fixture.endpoint.start();
    const waiting = fixture.endpoint.ask('t1', 'client');
    assert.equal(kindOf(await waiting), 'inactive');
    assert.deepEqual(fixture.asked, ['probe', 't1']);
    assert.equal(fixture.endpoint.problem, undefined);
    assert.deepEqual(fixture.events, []);
  });

  it('shares one question among all who bring the same token, and tells when it was asked', async (context) => {
    const fixture = createFixture(context);
    fixture.endpoint.start();
    await settle();
    fixture.script = ACTIVE;
    const before = fixture.clock.monotonicMs();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => fixture.endpoint.ask('t1', 'client')));
    assert.deepEqual(new Set(outcomes.map(kindOf)), new Set(['active']));
    assert.ok(outcomes.every((outcome) => 'askedAtMs' in outcome && outcome.askedAtMs === before));
    assert.deepEqual(fixture.asked, ['probe', 't1']);
    await fixture.endpoint.ask('t1', 'client');
    assert.equal(fixture.asked.length, 3, 'nothing is kept here');
    assert.deepEqual(fixture.results, ['inactive', 'active', 'active']);
  });

  it('has at most 64 questions under way', async (context) => {
    const fixture = createFixture(context);
    fixture.endpoint.start();
    await settle();
    const { promise, resolve } = Promise.withResolvers<string>();
    fixture.script = () => promise;
    const asked = Array.from({ length: 64 }, (_, index) => fixture.endpoint.ask(`long-${index}`, 'client'));
    const beyond = Array.from({ length: 128 }, (_, index) => fixture.endpoint.ask(`beyond-${index}`, 'client'));
    await settle();
    assert.equal(fixture.asked.length, 1 + 64, 'the first is its own');
    const refused = await fixture.endpoint.ask('one too many of one client', 'client');
    assert.deepEqual(refused, { problem: '64 introspection requests are under way', wasAsked: false });
    resolve('{"active":false}');
    const outcomes = await Promise.all([...asked, ...beyond]);
    assert.deepEqual(new Set(outcomes.map(kindOf)), new Set(['inactive']), 'honest users wait for their turn');
    assert.equal(kindOf(await fixture.endpoint.ask('t65', 'client')), 'inactive');
  });

  it('is asked once after each pause while it fails, and about nothing else', async (context) => {
    const fixture = createFixture(context);
    fixture.script = status(500);
    fixture.endpoint.start();
    await settle();
    const asked: number[] = [];
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      const herd = await Promise.all(['t1', 't2', 't3'].map((token) => fixture.endpoint.ask(token, 'client')));
      assert.deepEqual(herd.map(kindOf), ['spared', 'spared', 'spared']);
      await pass(fixture, seconds * 1_000 - 1);
      const before = fixture.asked.length;
      await pass(fixture, 1);
      asked.push(fixture.asked.length - before);
    }
    assert.deepEqual(asked, [1, 1, 1, 1, 1, 1, 1]);
    assert.deepEqual(new Set(fixture.asked), new Set(['probe']));
    assert.deepEqual(new Set(fixture.events.map(({ name }) => name)), new Set(['introspection_failed']));
    assert.equal(fixture.events.length, 8);
  });

  it('heals with its first answer, once, and begins with short pauses again', async (context) => {
    const fixture = createFixture(context);
    fixture.script = status(500);
    fixture.endpoint.start();
    await settle();
    await pass(fixture, 1_000);
    fixture.script = INACTIVE;
    await pass(fixture, 2_000);
    assert.equal(fixture.endpoint.problem, undefined);
    assert.equal(kindOf(await fixture.endpoint.ask('t1', 'client')), 'inactive');
    await pass(fixture, 60_000);
    assert.deepEqual(fixture.asked, ['probe', 'probe', 'probe', 't1']);
    fixture.script = status(500);
    assert.equal(kindOf(await fixture.endpoint.ask('t2', 'client')), 'failed');
    await settle();
    const events = fixture.events.map(({ name, fields }) => [name, fields['retry_in_ms']]);
    assert.deepEqual(events, [
      ['introspection_failed', 1_000],
      ['introspection_failed', 2_000],
      ['introspection_recovered', undefined],
      ['introspection_failed', 1_000],
    ]);
  });

  it('half of a pause is chance, so that replicas do not come back together', async (context) => {
    for (const [chance, ms] of [
      [0, 500],
      [0.5, 750],
    ] as const) {
      const fixture = createFixture(context);
      fixture.chance = chance;
      fixture.script = status(500);
      fixture.endpoint.start();
      await settle();
      assert.equal(fixture.events[0]?.fields['retry_in_ms'], ms);
      fixture.endpoint.stop();
    }
  });

  it('is not shut out by one token that it fails on', async (context) => {
    const fixture = createFixture(context);
    fixture.endpoint.start();
    await settle();
    fixture.script = (token) => (token === 't1' ? new FetchError('POST …: 500') : '{"active":true}');
    assert.equal(kindOf(await fixture.endpoint.ask('t1', 'client')), 'failed');
    assert.equal(kindOf(await fixture.endpoint.ask('t2', 'client')), 'active');
    await settle();
    assert.deepEqual(fixture.asked, ['probe', 't1', 'probe', 't2']);
    assert.equal(fixture.endpoint.problem, undefined);
    assert.deepEqual(fixture.events, []);
  });

  const waits: readonly (readonly [code: number, retryAfter: string | undefined, ms: number])[] = [
    [429, '120', 120_000],
    [429, undefined, 1_000],
    [429, 'soon', 1_000],
    [429, '0', 1_000],
    [429, '99999999', 3_600_000],
    [429, 'Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    [429, 'Sun, 01 Mar 2026 11:00:00 GMT', 1_000],
    [503, '120', 120_000],
  ];
  for (const [code, retryAfter, ms] of waits) {
    it(`is left alone for ${ms} ms after ${code} with Retry-After: ${retryAfter}`, async (context) => {
      const fixture = createFixture(context);
      fixture.endpoint.start();
      await settle();
      fixture.script = status(code, retryAfter);
      assert.equal(kindOf(await fixture.endpoint.ask('t1', 'client')), 'failed');
      fixture.script = INACTIVE;
      await pass(fixture, ms - 1);
      assert.equal(kindOf(await fixture.endpoint.ask('t2', 'client')), 'spared');
      assert.deepEqual(fixture.asked, ['probe', 't1']);
      await pass(fixture, 1);
      assert.equal(kindOf(await fixture.endpoint.ask('t2', 'client')), 'inactive');
      assert.deepEqual(fixture.asked, ['probe', 't1', 'probe', 't2']);
    });
  }

  it('is left alone until the last of several times that it names, and told of once', async (context) => {
    const fixture = createFixture(context);
    fixture.endpoint.start();
    await settle();
    fixture.script = (token, url) => status(429, token === 't2' ? '60' : '10')(token, url);
    await Promise.all(['t1', 't2', 't3'].map((token) => fixture.endpoint.ask(token, 'client')));
    fixture.script = INACTIVE;
    await pass(fixture, 59_999);
    assert.equal(kindOf(await fixture.endpoint.ask('t4', 'client')), 'spared');
    await pass(fixture, 1);
    assert.equal(kindOf(await fixture.endpoint.ask('t4', 'client')), 'inactive');
    assert.deepEqual(
      fixture.events.map(({ name }) => name),
      ['introspection_failed', 'introspection_recovered'],
    );
  });

  it('names the keys when it refuses the client credentials', async (context) => {
    const fixture = createFixture(context, { key: 'idp.additional_issuers[1].introspection' });
    fixture.script = status(401);
    fixture.endpoint.start();
    await settle();
    const names =
      'idp.additional_issuers[1].introspection.client_id and idp.additional_issuers[1].introspection.client_secret';
    const problem =
      `POST ${SOURCE.endpoint}: expected status 200, got 401: it refuses the client credentials; ` + `check ${names}`;
    assert.equal(fixture.endpoint.problem, problem);
    assert.equal(fixture.events[0]?.fields['error'], problem);
  });

  it('is looked for in the metadata, and again when it fails', async (context) => {
    const fixture = createFixture(context, { endpoint: undefined });
    fixture.endpoint.start();
    await settle();
    assert.match(fixture.endpoint.problem ?? '', /no usable metadata of this issuer/);
    const name = (url: string): void => {
      fixture.documents[METADATA] = { issuer: SOURCE.issuer, introspection_endpoint: url };
    };
    name('https://issuer.example/old');
    await pass(fixture, 1_000);
    const urls: string[] = [];
    fixture.script = (_, url) => {
      urls.push(url);
      return url.endsWith('/old') ? new FetchError('POST …: 404') : '{"active":true}';
    };
    assert.equal(kindOf(await fixture.endpoint.ask('t1', 'client')), 'failed');
    await settle();
    name('https://issuer.example/new');
    await pass(fixture, 1_000);
    assert.equal(kindOf(await fixture.endpoint.ask('t2', 'client')), 'active');
    assert.deepEqual(
      urls.map((url) => url.slice(SOURCE.issuer.length)),
      ['/old', '/old', '/new', '/new'],
    );
  });

  it('is asked no more when it was stopped', async (context) => {
    const fixture = createFixture(context);
    fixture.script = status(500);
    fixture.endpoint.start();
    await settle();
    fixture.endpoint.stop();
    await pass(fixture, 60_000);
    assert.deepEqual(fixture.asked, ['probe']);
  });
});

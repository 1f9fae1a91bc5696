/** Documents are fetched once, kept, and bounded in number. draft-ietf-oauth-client-id-metadata-document §4.2, §6.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FetchedDocument } from '../../../../src/login/clients/fetch-document.ts';
import { ClientDocumentUnavailable, MetadataDocuments } from '../../../../src/login/clients/metadata-documents.ts';
import type { Log } from '../../../../src/observe/log.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const URL_ = new URL('https://client.example/client.json');
const DOCUMENT = { redirectUris: ['http://127.0.0.1/cb'], name: 'Client' };
const FOUND: FetchedDocument = { kind: 'document', document: DOCUMENT, freshForMs: 10 * MINUTE_MS };
const OUTAGE = { kind: 'unavailable', problem: 'status 503' } as const;
const WRONG = { kind: 'unusable', problem: 'status 404' } as const;

class Setting {
  readonly clock = new FakeClock();
  readonly fetched: string[] = [];
  readonly events: (readonly [event: string, fields: unknown])[] = [];
  /** What is fetched; undefined: it has not come yet. */
  answer: FetchedDocument | undefined = FOUND;
  readonly documents: MetadataDocuments;
  readonly #waiting: ((answer: FetchedDocument) => void)[] = [];

  constructor() {
    const write = (event: string, fields?: unknown): void => void this.events.push([event, fields]);
    const log: Log = { debug: write, info: write, warn: write, error: write, setLevel: () => undefined };
    this.documents = new MetadataDocuments({
      knownDocuments: new Set(['https://known.example/client']),
      clock: this.clock,
      log,
      fetchDocument: async ({ href }) => {
        this.fetched.push(href);
        return this.answer ?? new Promise((resolve) => this.#waiting.push(resolve));
      },
    });
  }

  find(url = URL_): ReturnType<MetadataDocuments['find']> {
    return this.documents.find(url);
  }

  deliver(answer: FetchedDocument): void {
    for (const resolve of this.#waiting.splice(0)) resolve(answer);
  }
}

async function outcomeOf(finding: Promise<unknown>): Promise<unknown> {
  return finding.catch((error: unknown) => (error instanceof ClientDocumentUnavailable ? error.message : 'bug'));
}

const UNAVAILABLE = `${URL_.href}: status 503`;

describe('draft CIMD §4.2: a document', () => {
  it('is fetched once for all who ask at the same moment', async () => {
    const setting = new Setting();
    setting.answer = undefined;
    const finding = Promise.all([setting.find(), setting.find(), setting.find()]);
    setting.deliver(FOUND);
    assert.deepEqual(await finding, [DOCUMENT, DOCUMENT, DOCUMENT]);
    assert.equal(setting.fetched.length, 1);
  });

  it('is kept while it is fresh, whatever the wall clock does, and then fetched again', async () => {
    const setting = new Setting();
    await setting.find();
    setting.clock.jump(DAY_MS);
    setting.clock.advance(10 * MINUTE_MS - 1);
    await setting.find();
    assert.equal(setting.fetched.length, 1);
    setting.clock.advance(1);
    const changed = { redirectUris: [], name: undefined };
    setting.answer = { ...FOUND, document: changed };
    assert.deepEqual(await setting.find(), changed);
    assert.equal(setting.fetched.length, 2);
  });

  for (const failure of [OUTAGE, WRONG]) {
    it(`is served for seven days while it is ${failure.kind}, asked for at most once a minute`, async () => {
      const setting = new Setting();
      await setting.find();
      setting.answer = failure;
      setting.clock.advance(10 * MINUTE_MS);
      assert.deepEqual(await setting.find(), DOCUMENT);
      setting.clock.advance(MINUTE_MS - 1);
      assert.deepEqual(await setting.find(), DOCUMENT);
      assert.equal(setting.fetched.length, 2);
      setting.clock.advance(7 * DAY_MS - 11 * MINUTE_MS);
      assert.deepEqual(await setting.find(), DOCUMENT);
      setting.clock.advance(1);
      assert.deepEqual(await outcomeOf(setting.find()), failure === OUTAGE ? UNAVAILABLE : undefined);
      setting.answer = FOUND;
      setting.clock.advance(MINUTE_MS);
      assert.deepEqual(await setting.find(), DOCUMENT);
    });
  }
});

describe('a document that cannot be had', () => {
  it('is no client where there is none, and an outage where nobody can tell; both for a minute', async () => {
    for (const [failure, expected] of [
      [OUTAGE, UNAVAILABLE],
      [WRONG, undefined],
    ] as const) {
      const setting = new Setting();
      setting.answer = failure;
      assert.equal(await outcomeOf(setting.find()), expected);
      setting.clock.advance(MINUTE_MS - 1);
      assert.equal(await outcomeOf(setting.find()), expected);
      assert.equal(setting.fetched.length, 1);
      assert.deepEqual(setting.events, [['login_document_failed', { url: URL_.href, problem: failure.problem }]]);
      setting.clock.advance(1);
      setting.answer = FOUND;
      assert.deepEqual(await setting.find(), DOCUMENT);
    }
  });
});

describe('draft CIMD §6.5: a flood of URLs', () => {
  const floodOf = (count: number): URL[] =>
    Array.from({ length: count }, (_, index) => new URL(`https://client.example/${index}`));

  it('causes 60 fetches a minute, one line, and costs nobody who is known their document', async () => {
    const setting = new Setting();
    await setting.find();
    setting.answer = OUTAGE;
    for (const url of floodOf(1_000)) assert.match(String(await outcomeOf(setting.find(url))), /^https:/);
    assert.equal(setting.fetched.length, 60);
    assert.equal(setting.events.filter(([event]) => event === 'login_documents_limited').length, 1);
    setting.answer = FOUND;
    assert.deepEqual(await setting.find(new URL('https://known.example/client')), DOCUMENT);
    setting.clock.advance(10 * MINUTE_MS);
    for (const url of floodOf(1_000)) await outcomeOf(setting.find(url));
    assert.equal(setting.fetched.length, 121);
    assert.deepEqual(await setting.find(), DOCUMENT);
  });

  it('has eight fetches in flight', async () => {
    const setting = new Setting();
    setting.answer = undefined;
    const finding = floodOf(1_000).map((url) => outcomeOf(setting.find(url)));
    assert.equal(setting.fetched.length, 8);
    setting.deliver(WRONG);
    const outcomes = await Promise.all(finding);
    assert.equal(outcomes.filter((outcome) => outcome === undefined).length, 8);
    assert.match(String(outcomes[8]), /: too many documents of clients are being fetched$/);
    setting.answer = FOUND;
    assert.deepEqual(
      await setting.find(new URL('https://client.example/8')),
      DOCUMENT,
      'nothing is remembered of them',
    );
  });

  it('fills the memory with a thousand documents, and no more', async () => {
    const setting = new Setting();
    setting.answer = { ...FOUND, freshForMs: DAY_MS };
    for (const url of [URL_, ...floodOf(1_000)]) {
      setting.clock.advance(1_001);
      await setting.find(url);
    }
    assert.equal(setting.fetched.length, 1_001);
    await setting.find(new URL('https://client.example/999'));
    assert.equal(setting.fetched.length, 1_001);
    setting.clock.advance(MINUTE_MS);
    await setting.find();
    assert.equal(setting.fetched.length, 1_002, 'whoever was asked for least recently is fetched again');
  });
});

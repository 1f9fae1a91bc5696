/** Documents are promised to clients only where one could be fetched. draft-ietf-oauth-client-id-metadata-document §5. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { DocumentReach, KNOWN_DOCUMENTS } from '../../../../src/login/clients/document-reach.ts';
import type { FetchedDocument } from '../../../../src/login/clients/fetch-document.ts';
import { MetadataDocuments } from '../../../../src/login/clients/metadata-documents.ts';
import type { Log } from '../../../../src/observe/log.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const HOUR_MS = 3_600_000;
const FOUND: FetchedDocument = {
  kind: 'document',
  document: { redirectUris: ['http://localhost/callback'], name: 'Claude Code' },
  freshForMs: HOUR_MS,
};
const OUTAGE: FetchedDocument = { kind: 'unavailable', problem: 'no way out' };

class Setting {
  readonly fetched: string[] = [];
  readonly events: string[] = [];
  readonly found = new Set<string>();
  readonly reach: DocumentReach;
  readonly #context: TestContext;
  readonly #clock = new FakeClock();

  constructor(context: TestContext) {
    this.#context = context;
    context.mock.timers.enable({ apis: ['setInterval'] });
    const write = (event: string): void => void this.events.push(event);
    const log: Log = { debug: write, info: write, warn: write, error: write, setLevel: () => undefined };
    const fetchDocument = async ({ href }: URL): Promise<FetchedDocument> => {
      this.fetched.push(href);
      return this.found.has(href) ? FOUND : OUTAGE;
    };
    const documents = new MetadataDocuments({ clock: this.#clock, log, fetchDocument, knownDocuments: new Set() });
    this.reach = new DocumentReach({ documents, knownDocuments: KNOWN_DOCUMENTS, log });
  }

  async passHour(): Promise<void> {
    this.#clock.advance(HOUR_MS);
    this.#context.mock.timers.tick(HOUR_MS);
    await setImmediate();
  }
}

describe('draft CIMD §5: client_id_metadata_document_supported', () => {
  it('waits for the first document of a known client, tried at once', async (context) => {
    const setting = new Setting(context);
    setting.found.add(KNOWN_DOCUMENTS[1] ?? '');
    setting.reach.begin();
    assert.equal(setting.reach.reached, false);
    await setImmediate();
    assert.equal(setting.reach.reached, true);
    assert.deepEqual(setting.fetched, KNOWN_DOCUMENTS.slice(0, 2));
    await setting.passHour();
    setting.reach.begin();
    await setting.passHour();
    assert.deepEqual([setting.fetched.length, setting.reach.reached], [2, true], 'once is enough');
  });

  it('is tried again each hour while none can be had, and no more after the end', async (context) => {
    const setting = new Setting(context);
    setting.reach.begin();
    setting.reach.begin();
    await setImmediate();
    assert.deepEqual(setting.fetched, KNOWN_DOCUMENTS);
    assert.deepEqual(setting.events.slice(-1), ['login_documents_not_reached']);
    await setting.passHour();
    assert.equal(setting.fetched.length, 2 * KNOWN_DOCUMENTS.length);
    setting.reach.stop();
    await setting.passHour();
    assert.equal(setting.fetched.length, 2 * KNOWN_DOCUMENTS.length);
    setting.found.add(KNOWN_DOCUMENTS[0] ?? '');
    setting.reach.begin();
    await setImmediate();
    assert.equal(setting.reach.reached, true);
  });
});

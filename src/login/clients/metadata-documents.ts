/** The documents of clients, fetched once and kept, in bounds that strangers cannot exceed. draft-ietf-oauth-client-id-metadata-document §4.2, §6.5. */
import type { Clock } from '../../lib/clock.ts';
import { EventCap } from '../../lib/event-cap.ts';
import { Lru } from '../../lib/lru.ts';
import type { Log } from '../../observe/log.ts';
import type { FetchDocument, FetchedDocument } from './fetch-document.ts';
import type { ClientDocument } from './read-document.ts';

export interface MetadataDocumentsParts {
  readonly fetchDocument: FetchDocument;
  readonly clock: Clock;
  readonly log: Log;
  /** URLs that are fetched whatever strangers ask for. */
  readonly knownDocuments: ReadonlySet<string>;
}

/** The document cannot be had just now, so nobody can say whether there is such a client. */
export class ClientDocumentUnavailable extends Error {
  override readonly name = 'ClientDocumentUnavailable';
  /** The URL. */
  readonly clientId: string;

  constructor(clientId: string, problem: string) {
    super(`${clientId}: ${problem}`);
    this.clientId = clientId;
  }
}

const MINUTE_MS = 60_000;
const STALE_MS = 7 * 24 * 60 * MINUTE_MS;
const FAILURE_MS = MINUTE_MS;
const MAX_FETCHES_IN_FLIGHT = 8;
const MAX_FETCHES_A_MINUTE = 60;
const MAX_ENTRIES = 1_000;
const LIMITS = { maxEntries: MAX_ENTRIES, maxBytes: 4 * 1024 * 1024 };

interface Kept {
  readonly document: ClientDocument;
  readonly freshUntilMs: number;
  readonly endsAtMs: number;
}

type Failed = Exclude<FetchedDocument, { readonly kind: 'document' }>;

interface Failure {
  readonly failed: Failed;
  readonly untilMs: number;
}

/** An outage of their hosts logs nobody out. */
export class MetadataDocuments {
  readonly #parts: MetadataDocumentsParts;
  readonly #kept = new Lru<Kept>(LIMITS);
  /** Apart from those: no flood of wrong URLs makes Obex forget a document. */
  readonly #failures = new Lru<Failure>(LIMITS);
  readonly #underWay = new Map<string, Promise<FetchedDocument>>();
  readonly #fetches = new EventCap(MAX_FETCHES_A_MINUTE, MINUTE_MS);
  readonly #overflowLines = new EventCap(1, MINUTE_MS);

  constructor(parts: MetadataDocumentsParts) {
    this.#parts = parts;
  }

  /**
   * `url`: of `parseDocumentUrl`. Undefined: there is no document of this client. Rejects with ClientDocumentUnavailable when
   * that cannot be told, and none has been seen in the last seven days.
   */
  async find(url: URL): Promise<ClientDocument | undefined> {
    const now = this.#parts.clock.monotonicMs();
    const kept = this.#kept.get(url.href);
    if (kept !== undefined && now < kept.freshUntilMs) return kept.document;
    const fetched = this.#recentFailure(url, now) ?? (await this.#fetchOnce(url, now));
    if (fetched.kind === 'document') return fetched.document;
    if (kept !== undefined && now < kept.endsAtMs) return kept.document;
    if (fetched.kind === 'unusable') return undefined;
    throw new ClientDocumentUnavailable(url.href, fetched.problem);
  }

  #recentFailure({ href }: URL, now: number): Failed | undefined {
    const failure = this.#failures.get(href);
    return failure !== undefined && now < failure.untilMs ? failure.failed : undefined;
  }

  #fetchOnce(url: URL, now: number): Promise<FetchedDocument> | Failed {
    const underWay = this.#underWay.get(url.href);
    if (underWay !== undefined) return underWay;
    // Not remembered: it says nothing of this URL.
    const isKnown = this.#parts.knownDocuments.has(url.href) || this.#kept.get(url.href) !== undefined;
    // Strangers choose the others.
    if (!isKnown && (this.#underWay.size >= MAX_FETCHES_IN_FLIGHT || this.#fetches.isExceeded(now)))
      return this.#refuse(now);
    const fetching = this.#fetch(url);
    this.#underWay.set(url.href, fetching);
    return fetching;
  }

  #refuse(now: number): Failed {
    if (!this.#overflowLines.isExceeded(now)) this.#parts.log.warn('login_documents_limited');
    return { kind: 'unavailable', problem: 'too many documents of clients are being fetched' };
  }

  async #fetch(url: URL): Promise<FetchedDocument> {
    const { fetchDocument, clock, log } = this.#parts;
    try {
      const fetched = await fetchDocument(url);
      const now = clock.monotonicMs();
      if (fetched.kind === 'document') this.#keep(url, fetched, now);
      else {
        const failure = { failed: fetched, untilMs: now + FAILURE_MS };
        this.#failures.set(url.href, failure, sizeOf(url.href, fetched.problem));
        log.info('login_document_failed', { url: url.href, problem: fetched.problem });
      }
      return fetched;
    } finally {
      this.#underWay.delete(url.href);
    }
  }

  #keep({ href }: URL, { document, freshForMs }: Extract<FetchedDocument, { kind: 'document' }>, now: number): void {
    const kept = { document, freshUntilMs: now + freshForMs, endsAtMs: now + STALE_MS };
    this.#kept.set(href, kept, sizeOf(href, document.name ?? '', ...document.redirectUris));
    this.#failures.delete(href);
  }
}

/** Nearly: what is around the texts is small. */
function sizeOf(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

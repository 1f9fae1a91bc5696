/** The authorization server: endpoints, store and keys of one process. RFC 6749, RFC 8414, RFC 9700. */
import type { Clock } from '../lib/clock.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import type { LoginCommand, LoginCommandOutcome } from '../state/login-control.ts';
import type { Revocation } from '../state/revoked-tokens.ts';
import { as, json, page, RETRY_AFTER_SECONDS, temporarilyUnavailable } from './answers.ts';
import { AssertionKeys } from './assertions/issuer-keys.ts';
import { carryingInteractions } from './carried-interaction.ts';
import { DocumentReach, KNOWN_DOCUMENTS } from './clients/document-reach.ts';
import { createFetchDocument, type FetchDocumentParts, TO_THE_PUBLIC_INTERNET } from './clients/fetch-document.ts';
import { ClientDocumentUnavailable, MetadataDocuments } from './clients/metadata-documents.ts';
import { buildLogin, type Endpoints } from './compose.ts';
import { frameOf } from './frame.ts';
import { type LoginMemory, openMemory } from './memory.ts';
import type { LoginOptions } from './options.ts';
import { clientDocumentPage } from './pages/client-document-page.ts';
import type { Page } from './pages/page.ts';
import { unavailablePage } from './pages/unavailable-page.ts';
import type { Respond } from './parts.ts';
import { PATHS } from './paths.ts';
import { Sessions } from './sessions.ts';
import type { PublicKey } from './signing-keys.ts';
import { StoreFull, StoreUnavailable } from './store/store.ts';
import { createUpstream } from './upstream/create-upstream.ts';
import { UpstreamInvalid, UpstreamRefused, UpstreamUnavailable } from './upstream/upstream.ts';

export interface LoginServer {
  handle(request: LoginRequest): Promise<LoginAnswer>;
  /** Puts other options in force; store and secret stay. Rejects and leaves the old ones. */
  configure(options: LoginOptions): Promise<void>;
  /** Of the owner; never rejects. Whoever follows revocations has been told before it resolves. */
  command(command: LoginCommand): Promise<LoginCommandOutcome>;
  stop(): Promise<void>;
}

/** How documents of clients are reached, for tests. */
export interface DocumentSettings extends Partial<Omit<FetchDocumentParts, 'clock'>> {
  /** Those by which Obex tells whether it can fetch any. */
  readonly knownDocuments?: readonly string[];
}

export interface LoginHooks {
  readonly clock: Clock;
  readonly log: Log;
  readonly documents?: DocumentSettings;
  /** Whenever they change; first before the start resolves. */
  onKeys(keys: readonly PublicKey[]): void;
  /** All of now, whenever they change; first before the start resolves. */
  onRevocations(revocations: readonly Revocation[]): void;
}

/** How soon a key that another replica has made is known here. */
const KEYS_PAUSE_MS = 60_000;

/** Rejects with words for the owner when the store cannot be opened. */
export async function startLoginServer(options: LoginOptions, hooks: LoginHooks): Promise<LoginServer> {
  const memory = await openMemory(options, hooks.clock, hooks.log);
  const server = new RunningLogin(options, memory, hooks);
  await server.begin();
  return server;
}

class RunningLogin implements LoginServer {
  readonly #memory: LoginMemory;
  readonly #hooks: LoginHooks;
  readonly #assertionKeys: AssertionKeys;
  readonly #documents: MetadataDocuments;
  readonly #reach: DocumentReach;
  #options: LoginOptions;
  #endpoints: Endpoints = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LoginOptions, memory: LoginMemory, hooks: LoginHooks) {
    this.#options = options;
    this.#memory = memory;
    this.#hooks = hooks;
    this.#assertionKeys = new AssertionKeys(hooks);
    const { clock, log } = hooks;
    const { knownDocuments = KNOWN_DOCUMENTS, ...settings } = hooks.documents ?? {};
    const fetchDocument = createFetchDocument({ ...TO_THE_PUBLIC_INTERNET, ...settings, clock });
    this.#documents = new MetadataDocuments({ fetchDocument, clock, log, knownDocuments: new Set(knownDocuments) });
    this.#reach = new DocumentReach({ documents: this.#documents, knownDocuments, log });
  }

  async begin(): Promise<void> {
    await this.#memory.keys.refresh();
    await this.#memory.revocations.refresh();
    this.#tellRevocations();
    this.#putInForce(this.#options);
    void this.#tryUpstream();
    this.#timer = setInterval(() => void this.#refreshKeys(), KEYS_PAUSE_MS).unref();
  }

  async handle(request: LoginRequest): Promise<LoginAnswer> {
    const path = request.target.split('?', 1)[0] ?? '';
    const respond = this.#endpoints.get(path);
    if (respond === undefined) return json(404, { error: 'not_found' });
    const answer = await this.#answer(request, path, respond);
    return { ...answer, storeSeconds: this.#memory.store.takeSeconds() };
  }

  async #answer(request: LoginRequest, path: string, respond: Respond): Promise<LoginAnswer> {
    try {
      return await carryingInteractions(() => respond(request));
    } catch (error) {
      return as('unavailable', this.#answerFailure(request, path, error));
    }
  }

  async configure(options: LoginOptions): Promise<void> {
    this.#putInForce(options);
    this.#memory.renewAccess(options.store);
  }

  async command(command: LoginCommand): Promise<LoginCommandOutcome> {
    try {
      return await new Sessions(this.#memory, this.#hooks.log).carryOut(command);
    } catch (error) {
      const outage = outageOf(error);
      const why = outage === 'store_unavailable' || outage === 'store_full' ? outage : 'bug';
      this.#hooks.log.error('login_command_failed', { command: command.kind, reason: why, error: errorField(error) });
      return { kind: 'failed', why };
    } finally {
      if (command.kind === 'revoke') this.#tellRevocations();
    }
  }

  /** A wrong issuer is told at the start, and not to the first person who comes. */
  async #tryUpstream(): Promise<void> {
    const { issuer, upstream } = this.#options;
    try {
      await createUpstream(upstream, this.#hooks).begin(issuer + PATHS.callback);
    } catch (error) {
      this.#hooks.log.warn('login_upstream_failed', {
        issuer: upstream.issuer,
        reason: outageOf(error),
        error: errorField(error),
      });
    }
  }

  #tellRevocations(): void {
    this.#hooks.onRevocations(this.#memory.revocations.known);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#assertionKeys.stop();
    this.#reach.stop();
    await this.#memory.store.close();
  }

  #putInForce(options: LoginOptions): void {
    const { metadataDocuments: hosts } = options.clients;
    this.#endpoints = buildLogin(options, this.#memory, {
      ...this.#hooks,
      assertionKeys: this.#assertionKeys,
      documents: this.#documents,
      takesDocuments: () => (hosts === 'auto' ? this.#reach.reached : hosts !== 'off'),
    });
    if (hosts === 'auto') this.#reach.begin();
    else this.#reach.stop();
    this.#assertionKeys.follow(options);
    this.#options = options;
    this.#hooks.onKeys(this.#memory.keys.publicKeys);
  }

  /** The library reads its keys once, so other keys are another library. */
  async #refreshKeys(): Promise<void> {
    try {
      if (await this.#memory.keys.refresh()) this.#putInForce(this.#options);
      if (await this.#memory.revocations.refresh()) this.#tellRevocations();
    } catch (error) {
      this.#hooks.log.warn('login_store_failed', { error: errorField(error) });
    }
  }

  #answerFailure(request: LoginRequest, path: string, error: unknown): LoginAnswer {
    const outage = outageOf(error);
    const event = { request_id: request.requestId, path, reason: outage ?? 'bug', error: errorField(error) };
    if (outage === undefined) this.#hooks.log.error('login_failed', event);
    else this.#hooks.log.warn('login_failed', event);
    if (PAGES.has(path)) return page(this.#failurePage(request, error));
    return outage === undefined ? json(500, { error: 'server_error' }) : temporarilyUnavailable();
  }

  #failurePage(request: LoginRequest, error: unknown): Page {
    const view = { frame: frameOf({ options: this.#options }, request), retryAfterSeconds: RETRY_AFTER_SECONDS };
    return error instanceof ClientDocumentUnavailable
      ? clientDocumentPage({ ...view, clientId: error.clientId })
      : unavailablePage(view);
  }
}

/** Where people come; programs get JSON. */
const PAGES: ReadonlySet<string> = new Set([PATHS.authorize, PATHS.consent, PATHS.callback]);

function outageOf(error: unknown) {
  if (error instanceof StoreUnavailable) return 'store_unavailable';
  if (error instanceof StoreFull) return 'store_full';
  if (error instanceof UpstreamUnavailable) return 'upstream_unavailable';
  if (error instanceof UpstreamInvalid) return 'upstream_invalid';
  if (error instanceof UpstreamRefused) return 'upstream_refused';
  if (error instanceof ClientDocumentUnavailable) return 'client_document_unavailable';
  return undefined;
}

/** The endpoint that is asked about tokens: one question a token at a time, none while it fails, healed by itself. RFC 7662. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { FairLine } from '../lib/fair-line.ts';
import { rawPath } from '../lib/raw-path.ts';
import { type IntrospectionResponse, parseIntrospectionResponse } from '../oauth/introspection.ts';
import type { IntrospectionMetrics, IntrospectionResult } from '../observe/introspection-metrics.ts';
import { errorField, type Log } from '../observe/log.ts';
import { discoverUrl } from './discover.ts';
import { UnexpectedStatus } from './fetch-json.ts';
import { isThrottled, RetryPause, readRetryAfter } from './retry-pause.ts';

/** What identifies an endpoint and how it is asked. Two equal sources may share a client. */
export interface IntrospectionSource {
  readonly issuer: string;
  /** Undefined: found by discovery. */
  readonly endpoint: string | undefined;
  readonly allowHttp: boolean;
  /** PEM bundle that replaces the public authorities. */
  readonly ca: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The config key of the section, for whoever has to mend it. */
  readonly key: string;
}

export interface IntrospectionEndpointOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<IntrospectionMetrics, 'requestBegan' | 'requestEnded'>;
  /** GETs a JSON document; rejects on anything but a complete 200. */
  fetchJson(url: string): Promise<unknown>;
  /** POSTs the question and returns the bytes of a JSON document; rejects with an `UnexpectedStatus` as cause if it is no 200. */
  post(url: string, token: string): Promise<Uint8Array>;
  /** From 0 up to 1, as `Math.random`. */
  random(): number;
}

/** An answer and when it was asked for, by the monotonic clock: whatever was revoked since may not show in it. */
export interface Introspected {
  readonly response: IntrospectionResponse;
  readonly askedAtMs: number;
}

/** There is no answer. */
export interface Unanswered {
  /** For the log. */
  readonly problem: string;
  /** False when the endpoint was spared the question. */
  readonly wasAsked: boolean;
}

/** Questions at once, and those that wait for their turn: each client behind what is its own. */
const LINE = { places: 64, mostWaiting: 1024, mostOfOne: 128, waitMs: 5_000 };
const PROBE_BYTES = 24;

/**
 * A question without an answer proves nothing against the endpoint: whoever sends tokens could choose one that it fails on, and
 * so shut out everybody. So it is asked about a token of Obex's own, and fails when it does not answer that. While it fails
 * it is asked about nothing else, once after each pause.
 */
export class IntrospectionEndpoint {
  readonly source: IntrospectionSource;
  readonly #options: IntrospectionEndpointOptions;
  readonly #flights = new Map<string, Promise<Introspected | Unanswered>>();
  readonly #line = new FairLine(LINE);
  readonly #probeToken = randomBytes(PROBE_BYTES).toString('base64url');
  readonly #pause: RetryPause;
  #endpoint: string | undefined;
  /** Why nothing can be asked; undefined while all is well. */
  #problem: string | undefined = 'the introspection endpoint has not answered yet';
  #hasFailed = false;
  #probing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** By the monotonic clock; counts while there is a timer. */
  #restsUntilMs = 0;
  #stopped = false;

  constructor(source: IntrospectionSource, options: IntrospectionEndpointOptions) {
    this.source = source;
    this.#options = options;
    this.#pause = new RetryPause(options.random);
  }

  /** Why questions are not asked now; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Tries the endpoint in the background, once: a reload that keeps it starts it again. Never throws. */
  start(): void {
    if (this.#endpoint === undefined && !this.#hasFailed) void this.#probe();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Requests that bring the same token share one question; `clientKey` is by whom it came first. Never rejects. */
  ask(token: string, clientKey: string): Promise<Introspected | Unanswered> {
    const underWay = this.#flights.get(token);
    if (underWay !== undefined) return underWay;
    const flight = this.#askInTurn(token, clientKey).finally(() => this.#flights.delete(token));
    this.#flights.set(token, flight);
    return flight;
  }

  async #askInTurn(token: string, clientKey: string): Promise<Introspected | Unanswered> {
    if (!(await this.#line.enter(clientKey))) return spared(`${LINE.places} introspection requests are under way`);
    try {
      return await this.#ask(token);
    } finally {
      this.#line.leave();
    }
  }

  async #ask(token: string): Promise<Introspected | Unanswered> {
    // At the start nobody knows better; later on whoever waited would be part of a herd.
    if (this.#endpoint === undefined && !this.#hasFailed) await this.#probing;
    if (this.#problem !== undefined || this.#endpoint === undefined) return spared(this.#problem ?? 'stopped');
    const askedAtMs = this.#options.clock.monotonicMs();
    try {
      return { response: await this.#post(this.#endpoint, token), askedAtMs };
    } catch (error) {
      if (isThrottled(error, this.#options.clock.nowMs())) this.#fail(error);
      else void this.#probe();
      return { problem: this.#describe(error), wasAsked: true };
    }
  }

  async #post(endpoint: string, token: string): Promise<IntrospectionResponse> {
    const { clock, metrics } = this.#options;
    const beganAtMs = clock.monotonicMs();
    let result: IntrospectionResult = 'failure';
    metrics.requestBegan();
    try {
      const response = parseIntrospectionResponse(await this.#options.post(endpoint, token));
      if (response === undefined) {
        throw new Error(`POST ${rawPath(endpoint)}: expected a JSON object with active: true or false (RFC 7662 §2.2)`);
      }
      result = response.active ? 'active' : 'inactive';
      return response;
    } finally {
      metrics.requestEnded(result, (clock.monotonicMs() - beganAtMs) / 1000);
    }
  }

  #probe(): Promise<void> {
    this.#probing ??= this.#probeOnce().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async #probeOnce(): Promise<void> {
    try {
      const endpoint = await this.#locate();
      await this.#post(endpoint, this.#probeToken);
      this.#endpoint = endpoint;
      this.#recover(endpoint);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** An endpoint that fails may have moved. */
  async #locate(): Promise<string> {
    const { endpoint, issuer, allowHttp } = this.source;
    if (endpoint !== undefined) return endpoint;
    if (this.#endpoint !== undefined && this.#problem === undefined) return this.#endpoint;
    return discoverUrl({ issuer, allowHttp, member: 'introspection_endpoint' }, this.#options.fetchJson);
  }

  #recover(endpoint: string): void {
    // Told to wait meanwhile: what was asked before does not count.
    if (this.#timer !== undefined) return;
    const { issuer } = this.source;
    if (this.#hasFailed) this.#options.log.info('introspection_recovered', { issuer, endpoint: rawPath(endpoint) });
    this.#problem = undefined;
    this.#hasFailed = false;
    this.#pause.reset();
  }

  #fail(error: unknown): void {
    this.#problem = this.#describe(error);
    this.#hasFailed = true;
    if (this.#stopped) return;
    const { clock, log } = this.#options;
    const toldMs = readRetryAfter(error, clock.nowMs());
    const isResting = this.#timer !== undefined;
    if (isResting && (toldMs === undefined || clock.monotonicMs() + toldMs <= this.#restsUntilMs)) return;
    const pauseMs = toldMs ?? this.#pause.next();
    this.#rest(pauseMs);
    const fields = { issuer: this.source.issuer, error: this.#problem, retry_in_ms: Math.round(pauseMs) };
    if (!isResting) log.warn('introspection_failed', fields);
  }

  #rest(pauseMs: number): void {
    this.#restsUntilMs = this.#options.clock.monotonicMs() + pauseMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#probe();
    }, pauseMs).unref();
  }

  #describe(error: unknown): string {
    const text = errorField(error);
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof UnexpectedStatus) || (cause.status !== 401 && cause.status !== 403)) return text;
    const { key } = this.source;
    return `${text}: it refuses the client credentials; check ${key}.client_id and ${key}.client_secret`;
  }
}

function spared(problem: string): Unanswered {
  return { problem, wasAsked: false };
}

/** One visit of one client of a chaos run: how it connects, asks, and writes down what it saw. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Door, type Line, openLine, type Way } from '../support/doors.ts';
import { bearer, formatRequest } from '../support/obex.ts';
import type { RawClient, RawResponse } from '../support/raw-http.ts';
import type { Behaviour } from './behaviours.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** How long a client that has an answer without end stays at most. */
const LONGEST_DWELL_MS = 600;

export interface Tokens {
  /** Accepted ones, of many subjects. */
  readonly good: readonly string[];
  readonly expired: string;
  readonly forElsewhere: string;
}

export interface Client {
  readonly name: string;
  readonly over: readonly Way[];
  /** When it is not to meet whatever there is. */
  readonly behaviours?: readonly Behaviour[];
  visit(visit: Visit): Promise<void>;
}

export interface AskOptions {
  readonly method?: 'GET' | 'POST';
  readonly version?: '1.0' | '1.1';
  readonly lines?: readonly string[];
  /** Content-Length is added. */
  readonly body?: string;
  readonly behaviour?: Behaviour;
  /** Default: an accepted one. */
  readonly token?: string;
}

/** A request that stands in the ledger. */
export interface Asked {
  readonly path: string;
  readonly target: string;
  readonly method: string;
  readonly version: string;
  readonly token: string;
  readonly behaviour: Behaviour;
  readonly text: string;
}

interface VisitParts {
  readonly label: string;
  readonly way: Way;
  readonly behaviour: Behaviour;
  readonly random: Random;
  readonly door: Door;
  readonly ledger: Ledger;
  readonly tokens: Tokens;
  /** Whether a request may be sent on a connection that the backend is just closing. */
  readonly keepsConnections: boolean;
}

export class Visit {
  readonly way: Way;
  readonly behaviour: Behaviour;
  readonly random: Random;
  readonly door: Door;
  readonly tokens: Tokens;
  readonly #label: string;
  readonly #ledger: Ledger;
  readonly #keepsConnections: boolean;

  constructor({ label, way, behaviour, random, door, ledger, tokens, keepsConnections }: VisitParts) {
    this.way = way;
    this.behaviour = behaviour;
    this.random = random;
    this.door = door;
    this.tokens = tokens;
    this.#label = label;
    this.#ledger = ledger;
    this.#keepsConnections = keepsConnections;
  }

  connect(): Promise<Line> {
    return openLine(this.door, this.way);
  }

  /** A pause of up to so many milliseconds. */
  dwell(mostMs = LONGEST_DWELL_MS): Promise<void> {
    return pause(this.random.below(mostMs));
  }

  /** Writes a request down that is sent next. */
  ask(options: AskOptions = {}): Asked {
    const { method = 'GET', version = '1.1', lines = [], body, behaviour = this.behaviour } = options;
    const { token = this.random.pick(this.tokens.good) } = options;
    const path = this.#ledger.open(`${this.#label} (${behaviour.name})`);
    const target = `${path}?b=${encodeURIComponent(behaviour.name)}`;
    const text = formatRequest({
      method,
      target,
      lines: [bearer(token), ...lines],
      ...(body === undefined ? {} : { body }),
    });
    return { path, target, method, version, token, behaviour, text: text.replace('HTTP/1.1', `HTTP/${version}`) };
  }

  saw({ path }: Asked, status: number, whole?: boolean): void {
    this.#ledger.saw(path, { status, whole });
  }

  /** Waits for the answer to `asked`, to its end if it has one, and judges it. Returns the answer if it came whole. */
  async read(client: RawClient<Duplex>, asked: Asked): Promise<RawResponse | undefined> {
    const { answers } = asked.behaviour;
    const isEndless = Object.values(answers).includes('endless');
    const response = await readFinal(() => (isEndless ? client.readHead() : client.readResponse(asked.method)));
    const { status, complete } = response;
    // RFC 9110 §9.2.2: a POST that met a connection on its way down is not sent again.
    const isUnlucky = status === 502 && asked.method === 'POST' && this.#keepsConnections;
    const ending = isUnlucky ? 'whole' : answers[status];
    if (isEndless) {
      this.saw(asked, status);
      await this.dwell();
    } else this.saw(asked, status, this.#canTell(asked, response) ? complete : undefined);
    const expected = Object.keys(answers).join(' or ');
    assert.ok(
      ending !== undefined,
      `answered ${status} instead of ${expected}: ${response.body.toString().slice(0, 300)}`,
    );
    if (ending === 'endless') return undefined;
    if (this.#canTell(asked, response))
      assert.equal(complete, ending === 'whole', `the answer came whole: ${complete}`);
    return complete && !isEndless ? response : undefined;
  }

  /** Takes any answer to `asked` that there is, or none, and leaves it in the middle. */
  async glance(client: RawClient<Duplex>, asked: Asked): Promise<void> {
    const response = await Promise.race([readFinal(() => client.readHead()), pause(LONGEST_DWELL_MS)]).catch(
      () => undefined,
    );
    if (response !== undefined) this.saw(asked, response.status);
  }

  /** RFC 9112 §8: where the end of the connection is the end of the body, only a reset of TCP tells that it was cut. */
  #canTell({ version }: Asked, response: RawResponse): boolean {
    return version === '1.1' || this.way === 'plain' || response.values('content-length').length > 0;
  }
}

async function readFinal(read: () => Promise<RawResponse>): Promise<RawResponse> {
  for (;;) {
    const response = await read();
    if (response.status >= 200) return response;
  }
}

/** One round of a chaos run: many visits side by side, while a good client goes on asking; then the books are closed. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Way } from '../support/doors.ts';
import type { Arena } from './arena.ts';
import { type Behaviour, CHOICE, FINE } from './behaviours.ts';
import { HTTP1_CLIENTS } from './clients-http1.ts';
import { HTTP2_CLIENTS } from './clients-http2.ts';
import { TLS_CLIENTS } from './clients-tls.ts';
import { Random } from './random.ts';
import { type Client, Visit } from './visit.ts';

export const CLIENTS: readonly Client[] = [...HTTP1_CLIENTS, ...TLS_CLIENTS, ...HTTP2_CLIENTS];

export const SIDE_BY_SIDE = 40;
/** Longer than every deadline that a client may wait for. */
const LONGEST_VISIT_MS = 25_000;
/** A good request is answered at once; so long takes only one that waits for somebody else. */
const PROMPT_MS = 10_000;
const STEADY_PAUSE_MS = 100;
/** Between the seeds of two rounds there are those of their visits. */
const SEED_STRIDE = 100_003;
/** Most visits are under way then. */
const DRAIN_AFTER_MS = 700;

/** Who comes, over what, and what the backend does to it. */
export interface Pairing {
  readonly client: Client;
  readonly way: Way;
  readonly behaviour: Behaviour;
}

export interface Filter {
  /** Names; undefined = any. */
  readonly client?: string | undefined;
  readonly behaviour?: string | undefined;
}

/** Chance decides. */
export function drawPairings(arena: Arena, random: Random, count: number, filter: Filter = {}): readonly Pairing[] {
  const behaviours = CHOICE.filter(({ name }) => name === (filter.behaviour ?? name));
  const clients = CLIENTS.filter(({ name }) => name === (filter.client ?? name));
  const ways = arena.spec.ways.filter((way) => clients.some(({ over }) => over.includes(way)));
  if (ways.length === 0 || behaviours.length === 0) return [];
  return Array.from({ length: count }, () => {
    const way = random.pick(ways);
    const client = random.pick(clients.filter(({ over }) => over.includes(way)));
    return { client, way, behaviour: random.pick(client.behaviours ?? behaviours) };
  });
}

/** Every client and every behaviour once over every way. */
export function listPairings(arena: Arena): readonly Pairing[] {
  return arena.spec.ways.flatMap((way) => {
    const clients = CLIENTS.filter(({ over }) => over.includes(way));
    const choose = ({ behaviours = CHOICE }: Client, index: number): Behaviour =>
      behaviours[index % behaviours.length] ?? FINE;
    const patient = clients.slice(0, 2);
    return [
      ...clients.map((client, index) => ({ client, way, behaviour: choose(client, 7 * index) })),
      ...CHOICE.flatMap((behaviour) => patient.map((client) => ({ client, way, behaviour }))),
    ];
  });
}

/** Returns what went wrong. The same seed and pairings, the same visits. */
export async function runRound(arena: Arena, seed: number, pairings: readonly Pairing[]): Promise<readonly string[]> {
  const faults: string[] = [];
  const waiting = [...pairings.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && arena.isRunning; next = waiting.shift()) {
      const [index, pairing] = next;
      const fault = await visit(arena, pairing, new Random(seed * SEED_STRIDE + index));
      if (fault !== undefined) faults.push(fault);
    }
  };
  let isOver = false;
  const steady = (async () => {
    const random = new Random(seed);
    // The last one comes when all the others have gone.
    for (let isLast = false; !isLast && arena.isRunning; await pause(STEADY_PAUSE_MS)) {
      isLast = isOver;
      faults.push(...(await askOnEveryWay(arena, random)));
    }
  })();
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  isOver = true;
  await steady;
  return [...faults, ...(await arena.settle())];
}

/** Visits that SIGTERM finds in their midst. Returns what is wrong with the end of Obex; what they see of it is up to them. */
export async function drainRound(arena: Arena, seed: number, pairings: readonly Pairing[]): Promise<readonly string[]> {
  const visits = pairings.map((pairing, index) => visit(arena, pairing, new Random(seed * SEED_STRIDE + index)));
  await pause(DRAIN_AFTER_MS);
  const faults = await arena.stop();
  await Promise.all(visits);
  return [...faults, ...arena.ledger.settle()];
}

/** A valid request over each way, which must be answered. */
export async function askOnEveryWay(arena: Arena, random: Random): Promise<readonly string[]> {
  const [client] = HTTP1_CLIENTS;
  if (client === undefined) throw new Error('nobody asks');
  const visits = arena.spec.ways.map((way) => visit(arena, { client, way, behaviour: FINE }, random, PROMPT_MS));
  return (await Promise.all(visits)).filter((fault) => fault !== undefined);
}

async function visit(
  arena: Arena,
  { client, way, behaviour }: Pairing,
  random: Random,
  limitMs = LONGEST_VISIT_MS,
): Promise<string | undefined> {
  const { tokens, ledger } = arena;
  const label = `${client.name} × ${behaviour.name} over ${way}`;
  const door = arena.openDoor();
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`still waiting after ${limitMs} ms`)), limitMs);
  try {
    const keepsConnections = arena.spec.keptConnections > 0;
    const by = `${client.name} over ${way}`;
    const visit = new Visit({ label: by, way, behaviour, random, door, ledger, tokens, keepsConnections });
    await Promise.race([client.visit(visit), timeout.promise]);
    return undefined;
  } catch (error) {
    return `${label}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(timer);
    for (const opened of door.opened) opened.destroy();
  }
}

/** The main thread of an Obex with several workers: starts them, tells all of them the same, ends when they have ended. */
import { createServer } from 'node:net';
import { readRuntimeFiles } from '../compose/files.ts';
import { tellKeys } from '../compose/identity.ts';
import { isSameLimit, listRateLimits } from '../compose/limits.ts';
import { refuseFixedChanges } from '../compose/reload.ts';
import { warnOfCertificates } from '../compose/tls.ts';
import { type Phase, phaseOf } from '../config/phase.ts';
import { packConfig } from '../config/portable.ts';
import type { Config } from '../config/schema.ts';
import { errorField, type LineSink } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
import { underKey } from '../observe/under-key.ts';
import type { LoginOutcome, LoginRequest } from '../state/login-channel.ts';
import type { CommandLogin } from '../state/login-control.ts';
import type { ProgramsDoor } from '../state/process-wide.ts';
import { createRateLimitMemory } from '../state/rate-limiter-shared.ts';
import { createTicketKeys, TICKET_KEYS_LIFETIME_MS } from '../state/ticket-keys.ts';
import { bind } from '../wire/bind.ts';
import type { ListenAddress } from '../wire/exchange.ts';
import { Colleague } from './colleague.ts';
import { KeyDesk } from './key-desk.ts';
import type { Birth, HandOver, KeySnapshot, RateLimitMemories, ToWorker } from './messages.ts';
import { createServerMemories, type SharedMemory } from './shared-memory.ts';
import { hireStaff, type Staff } from './staff.ts';

export interface PoolOptions {
  /** The URL of the program's own file. */
  readonly entry: string;
  readonly workers: number;
  readonly memory: SharedMemory;
  readonly observers: Observers;
  /** Standard output: only one thread writes to it, so that lines stay whole. */
  readonly lines: LineSink;
}

/** Resolves when every worker listens. Rejects with an error that a person can act on. */
export async function startPool(config: Config, options: PoolOptions): Promise<Pool> {
  const staff = await hireStaff(config, options.observers);
  const pool = openPool(config, options, staff);
  try {
    await pool.start();
    return pool;
  } catch (error) {
    pool.stop();
    throw error;
  }
}

function openPool(config: Config, options: PoolOptions, staff: Staff): Pool {
  try {
    return new Pool(config, options, staff);
  } catch (error) {
    void staff.stop();
    throw error;
  }
}

export class Pool {
  url = '';
  readonly #options: PoolOptions;
  readonly #desk: KeyDesk;
  readonly #staff: Staff;
  readonly #workers: readonly Colleague[];
  #config: Config;
  #handOver: HandOver;
  #ticketKeysTimer: NodeJS.Timeout | undefined;

  constructor(config: Config, options: PoolOptions, staff: Staff) {
    this.#options = options;
    this.#staff = staff;
    this.#config = config;
    this.#handOver = createHandOver(config, options, undefined);
    const publish = (snapshot: KeySnapshot): void => this.#tellAll({ kind: 'keys', snapshot });
    const login = staff.login?.desk;
    this.#desk = new KeyDesk(options.observers, publish, login?.followKeys);
    this.#workers = Array.from({ length: options.workers }, (_, index) => this.#hire(index));
    login?.followRevocations((revocations) => this.#tellAll({ kind: 'revocations', revocations }));
  }

  get phase(): Phase {
    return phaseOf(this.#config);
  }

  get commandLogin(): CommandLogin | undefined {
    return this.#staff.login?.desk.command;
  }

  async start(): Promise<void> {
    const { listen } = this.#config.obex;
    const [first, ...others] = this.#workers;
    if ('path' in listen || first === undefined) throw new Error('several workers cannot listen on a unix socket');
    await refuseTaken(listen);
    this.#desk.prepare(this.#config, this.#handOver.files).commit();
    const { url, port } = await first.listen(listen.port);
    await Promise.all(others.map((worker) => worker.listen(port)));
    this.url = url;
    const sendTicketKeys = (): void => this.#tellAll({ kind: 'ticket_keys', keys: createTicketKeys() });
    this.#ticketKeysTimer = setInterval(sendTicketKeys, TICKET_KEYS_LIFETIME_MS).unref();
  }

  /** In force in all workers, or, when one of them refuses, in none; then it rejects with the reason. */
  async reload(config: Config): Promise<void> {
    refuseFixedChanges(this.#config, config);
    const handOver = createHandOver(config, this.#options, this.#handOver);
    const prepared = this.#desk.prepare(config, handOver.files);
    const configureStaff = this.#staff.prepare(config);
    const answers = await Promise.allSettled(this.#workers.map((worker) => worker.prepare(handOver)));
    const refusal = answers.find((answer) => answer.status === 'rejected');
    try {
      if (refusal !== undefined) throw refusal.reason;
      await configureStaff();
    } catch (error) {
      this.#tellAll({ kind: 'discard' });
      throw error;
    }
    // Fetching first: a worker that has switched may ask for keys of a new issuer.
    prepared.commit();
    const commits = await Promise.allSettled(this.#workers.map((worker) => worker.commit()));
    const failure = commits.find((commit) => commit.status === 'rejected');
    if (failure !== undefined) {
      await this.#goBack();
      throw failure.reason;
    }
    this.#options.observers.log.setLevel(config.log.level);
    this.#config = config;
    this.#handOver = handOver;
  }

  /** Some workers have switched and one could not: all go back to the one configuration that each of them has served. */
  async #goBack(): Promise<void> {
    await this.#staff.prepare(this.#config)();
    await Promise.all(this.#workers.map((worker) => worker.prepare(this.#handOver)));
    this.#desk.prepare(this.#config, this.#handOver.files).commit();
    await Promise.all(this.#workers.map((worker) => worker.commit()));
  }

  async drain(): Promise<void> {
    this.#tellAll({ kind: 'drain' });
    await Promise.all(this.#workers.map(({ ended }) => ended));
    await this.#staff.stop();
    this.#stopTimers();
  }

  stop(): void {
    this.#stopTimers();
    void this.#staff.stop();
    for (const worker of this.#workers) worker.terminate();
  }

  #stopTimers(): void {
    this.#desk.stop();
    clearInterval(this.#ticketKeysTimer);
  }

  /** A worker of a configuration without `login` has nothing to ask. */
  #ask(request: LoginRequest): Promise<LoginOutcome> {
    return this.#staff.login?.desk.ask(request) ?? Promise.resolve({ failed: 'down' });
  }

  #tellAll(message: ToWorker): void {
    for (const worker of this.#workers) worker.tell(message);
  }

  #hire(index: number): Colleague {
    const { entry, memory, lines, observers } = this.#options;
    const birth: Birth = { memory, index, handOver: this.#handOver, programs: packDoor(this.#staff.programs?.door) };
    const colleague = new Colleague(entry, birth, {
      onLines: (text) => lines.write(text),
      onRefresh: ({ id, ...request }) =>
        void this.#desk.refresh(request).then((isJoined) => colleague.tell({ kind: 'refreshed', id, isJoined })),
      onLogin: ({ id, request }) =>
        void this.#ask(request).then((outcome) => colleague.tell({ kind: 'login_reply', reply: { id, outcome } })),
      // Fails closed: a worker that dies of a bug takes the process with it, as a bug does where there is but one thread.
      onDeath: (error) => {
        observers.log.error('worker_failed', { worker: index, error: errorField(error) });
        throw error;
      },
    });
    return colleague;
  }
}

/** An object of a class does not cross to another thread; its memory does. */
function packDoor(door: ProgramsDoor | undefined): Birth['programs'] {
  return door && { ...door, metrics: door.metrics.memory };
}

/** All that can fail in the main thread comes here, before any worker is told. */
function createHandOver(config: Config, { observers, memory }: PoolOptions, before: HandOver | undefined): HandOver {
  const files = readRuntimeFiles(config, before?.files);
  warnOfCertificates(config, files, observers);
  tellKeys({ config, observers }, files, before?.files);
  return {
    config: packConfig(config),
    files,
    rateLimits: createRateLimits(config, before?.rateLimits),
    servers: createServerMemories(config, memory.metrics.length, before?.servers),
  };
}

/** Allowances are kept over a reload that leaves the limit as it is. */
function createRateLimits(config: Config, before: RateLimitMemories = {}): RateLimitMemories {
  const memories = listRateLimits(config).map(([whose, limit]) => {
    const known = before[whose];
    return [
      whose,
      isSameLimit(known?.limit, limit) && known !== undefined ? known : createRateLimitMemory(limit),
    ] as const;
  });
  return Object.fromEntries(memories);
}

/** Workers share their port with whoever asks, so that one Obex too many would go unnoticed and take half the traffic. */
async function refuseTaken(address: ListenAddress): Promise<void> {
  const probe = createServer();
  await underKey('obex.listen', bind(probe, address));
  await new Promise<void>((resolve) => probe.close(() => resolve()));
}

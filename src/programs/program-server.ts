/** One MCP server that speaks stdio: its sessions, what requests share, and when their processes end. */
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import type { ProgramEndReason, ProgramMetrics } from '../observe/program-metrics.ts';
import { Admission } from './admission.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ByteBudget } from './byte-budget.ts';
import { baseEnvironment } from './environment.ts';
import { hasAll, type ProgramIdentity } from './identity.ts';
import type { ProgramOptions } from './options.ts';
import { Program, type ProgramOwner } from './program.ts';
import { Session } from './session.ts';
import { SharedProgram } from './shared-program.ts';
import type { Ringing } from './sse-stream.ts';
import { findUser, type ProgramUser } from './user.ts';

export interface ProgramServerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ProgramMetrics;
  readonly keepAlive: Ringing;
  readonly lineBudget: ByteBudget;
  readonly bodyBudget: BodyBudget;
  /** In what one process has said; that process ends. */
  onBug(error: unknown): void;
  /** A group begins or is gone. */
  onGroup(pgid: number, isThere: boolean): void;
}

const SHORTEST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 1_000;

export class ProgramServer {
  readonly #parts: ProgramServerParts;
  readonly #admission: Admission;
  readonly #sessions = new Map<string, Session>();
  readonly #shared = new Map<string, SharedProgram>();
  readonly #user: ProgramUser | undefined;
  #options: ProgramOptions;
  #look: NodeJS.Timeout | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  /** Throws with words for whoever configures it. */
  constructor(options: ProgramOptions, parts: ProgramServerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#user = options.user === '' ? undefined : findUser(options.user);
    this.#admission = new Admission(options.maxSessions);
  }

  /** Whether nothing but limits differs, so that processes may go on. */
  isSame(options: ProgramOptions): boolean {
    return essenceOf(options) === essenceOf(this.#options);
  }

  /** Puts limits in force; before the first time no process ends for being idle. */
  update(options: ProgramOptions): void {
    this.#options = options;
    this.#admission.max = options.maxSessions;
    clearInterval(this.#look);
    this.#look = this.#lookForIdle();
  }

  /** A new session, whose first message is still to come; undefined when there is no room, or nobody wants it any more. */
  openSession(identity: ProgramIdentity, isWanted: () => boolean): Promise<Session | undefined> {
    const create = (): Session =>
      new Session(identity, {
        keepAlive: this.#parts.keepAlive,
        startProgram: (owner) => this.#startProgram(identity, owner),
        onOpen: (session) => this.#sessions.set(session.id, session),
        onClosed: (session) => this.#sessions.delete(session.id),
        onUnmatched: () => this.#onUnmatched(),
      });
    return this.#admission.admit(identity, { find: () => undefined, isWanted, create });
  }

  /** A session is its principal's alone, and ends when a token comes that allows less than it was begun with. */
  findSession(id: string, identity: ProgramIdentity): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || session.identity.principalKey !== identity.principalKey) return undefined;
    if (!hasAll(identity.scopes, session.identity.scopes)) session.end('scopes_reduced');
    return session.program.isEnding ? undefined : session;
  }

  findShared(identity: ProgramIdentity): SharedProgram | undefined {
    const shared = this.#shared.get(keyOf(identity));
    return shared?.program.isEnding === false ? shared : undefined;
  }

  /** Undefined when there is no room, or nobody wants it any more. */
  openShared(identity: ProgramIdentity, isWanted: () => boolean): Promise<SharedProgram | undefined> {
    const key = keyOf(identity);
    const create = (): SharedProgram => {
      const shared = new SharedProgram(identity, {
        keepAlive: this.#parts.keepAlive,
        startProgram: (owner) => this.#startProgram(identity, owner),
        onClosed: (closed) => {
          if (this.#shared.get(key) === closed) this.#shared.delete(key);
        },
        onUnmatched: () => this.#onUnmatched(),
      });
      this.#shared.set(key, shared);
      return shared;
    };
    return this.#admission.admit(identity, { find: () => this.findShared(identity), isWanted, create });
  }

  /** Takes no more; what is in flight may come to its end. Resolves when no process is left. */
  drain(drainMs: number): Promise<void> {
    if (this.#drained !== undefined) return this.#drained.promise;
    this.#drained = Promise.withResolvers<void>();
    this.#admission.close();
    clearInterval(this.#look);
    for (const occupant of this.#admission.occupants) occupant.closeStreams();
    const deadlineMs = this.#parts.clock.monotonicMs() + drainMs;
    const look = setInterval(() => this.#endDrained(deadlineMs), SHORTEST_LOOK_MS);
    void this.#drained.promise.finally(() => clearInterval(look));
    this.#endDrained(deadlineMs);
    return this.#drained.promise;
  }

  #endDrained(deadlineMs: number): void {
    const isOver = this.#parts.clock.monotonicMs() >= deadlineMs;
    const { occupants } = this.#admission;
    for (const occupant of occupants) if (isOver || !occupant.isBusy) occupant.end('drained');
    if (occupants.length === 0) this.#drained?.resolve();
  }

  #lookForIdle(): NodeJS.Timeout {
    const periodMs = Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, this.#options.idleTimeoutMs / 8));
    return setInterval(() => this.#endIdle(), periodMs).unref();
  }

  #endIdle(): void {
    const beforeMs = this.#parts.clock.monotonicMs() - this.#options.idleTimeoutMs;
    for (const occupant of this.#admission.occupants) {
      if (!occupant.isBusy && occupant.program.lastMessageMs <= beforeMs) occupant.end('idle');
    }
  }

  #startProgram(identity: ProgramIdentity, owner: ProgramOwner): Program {
    const { name, command, cwd, startTimeoutMs, maxMessageBytes } = this.#options;
    const { metrics, onGroup } = this.#parts;
    const environment = { ...baseEnvironment(this.#options, this.#user), ...identity.environment };
    const onGone = (program: Program, reason: ProgramEndReason): void => {
      metrics.ended(name, reason);
      if (program.pid !== undefined) onGroup(program.pid, false);
      this.#admission.leave(program);
    };
    const program = new Program(
      {
        server: name,
        subjectKey: identity.subjectKey,
        command,
        environment,
        cwd,
        user: this.#user,
        startTimeoutMs,
        maxMessageBytes,
      },
      { ...this.#parts, onGone },
      owner,
    );
    metrics.started(name);
    if (program.pid !== undefined) onGroup(program.pid, true);
    return program;
  }

  #onUnmatched(): void {
    this.#parts.log.debug('program_answer_unmatched', { server: this.#options.name });
  }
}

/** Requests with the same may share a process. */
function keyOf({ principalKey, scopesKey }: ProgramIdentity): string {
  return `${principalKey} ${scopesKey}`;
}

/** What a process cannot be told once it runs. */
function essenceOf({ command, env, passEnv, cwd, user }: ProgramOptions): string {
  return JSON.stringify([command, env, passEnv, cwd, user]);
}

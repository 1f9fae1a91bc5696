/** Who is logged in, as its owner sees it, and how its owner ends that: families, their grants, and the tokens that are out. RFC 9700 §4.14. */
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginCommand, LoginCommandOutcome, LoginSession, Whose } from '../state/login-control.ts';
import { endFamily, type Family } from './family.ts';
import type { LoginMemory } from './memory.ts';

type SessionsMemory = Pick<LoginMemory, 'families' | 'library' | 'revocations'>;

/** More fill no screen, and would be a large answer. */
const MAX_LISTED = 1_000;
/** Reading so many takes a few milliseconds, in which nobody is answered. */
const READ_AT_ONCE = 200;

export class Sessions {
  readonly #memory: SessionsMemory;
  readonly #log: Log;

  constructor(memory: SessionsMemory, log: Log) {
    this.#memory = memory;
    this.#log = log;
  }

  /** Rejects as the store does; what was done until then stays done. */
  async carryOut({ kind, whose }: LoginCommand): Promise<LoginCommandOutcome> {
    const found = await this.#find(whose);
    if (kind === 'sessions') return list(found);
    const clients = [...new Set(found.map(({ clientId }) => clientId))];
    const isCut = whose.by === 'client' && whose.name.endsWith(CUT);
    if (whose.by === 'client' && (clients.length > 1 || (isCut && clients.length === 0))) {
      return { kind: 'ambiguous', clients };
    }
    return this.#revoke(found, whose, clients);
  }

  /** Families first: a token that is issued meanwhile has looked for its family after it was dated. */
  async #revoke(found: readonly Family[], whose: Whose, [client]: readonly string[]): Promise<LoginCommandOutcome> {
    let ended = 0;
    for (const { grantId } of found) {
      await this.#memory.library.Grant.remove(grantId);
      const parts = { records: this.#memory.families, log: this.#log };
      if (await endFamily(parts, grantId, 'revoked_by_owner')) ended += 1;
    }
    if (whose.by === 'all') await this.#memory.revocations.add('all');
    else await this.#memory.revocations.add(whose.by, whose.by === 'client' ? (client ?? whose.name) : whose.name);
    this.#log.warn('login_tokens_revoked', { ...describe(whose), ended });
    return { kind: 'revoked', ended };
  }

  async #find(whose: Whose): Promise<readonly Family[]> {
    const found: Family[] = [];
    let read = 0;
    for await (const family of this.#memory.families.list()) {
      read += 1;
      if (read % READ_AT_ONCE === 0) await otherWork();
      if (isOf(family, whose)) found.push(family);
    }
    const exact = whose.by === 'client' ? found.filter(({ clientId }) => clientId === whose.name) : [];
    return exact.length > 0 ? exact : found;
  }
}

function isOf({ person, clientId }: Family, whose: Whose): boolean {
  switch (whose.by) {
    case 'all':
      return true;
    case 'subject':
      return person.subject === whose.name;
    case 'client':
      return clientId === whose.name || shortClientId(clientId) === withMark(whose.name);
  }
}

/** What `shortClientId` leaves out. */
const CUT = '…';

/** As it is shown, or as it is copied without the mark of what is left out. */
function withMark(name: string): string {
  return name.endsWith(CUT) ? name : name + CUT;
}

function list(found: readonly Family[]): LoginCommandOutcome {
  const sessions = found.toSorted((one, other) => lastSeen(other) - lastSeen(one)).slice(0, MAX_LISTED);
  return { kind: 'sessions', sessions: sessions.map(toSession), total: found.length };
}

/** Nothing of the IdP's tokens. */
function toSession({ person, clientId, clientName, scopes, begunMs, confirmedMs }: Family): LoginSession {
  return { subject: person.subject, email: person.email, clientId, clientName, scopes, begunMs, confirmedMs };
}

function describe(whose: Whose): Readonly<Record<string, string>> {
  switch (whose.by) {
    case 'all':
      return { by: 'all' };
    case 'subject':
      return { by: 'subject', subject: whose.name };
    case 'client':
      return { by: 'client', oauth_client: shortClientId(whose.name) };
  }
}

function lastSeen({ begunMs, confirmedMs }: Family): number {
  return Math.max(begunMs, confirmedMs);
}

/** Commands and their outcomes as JSON: what the control service reads and writes, and what a command line reads. RFC 8259. */
import * as z from 'zod/mini';
import type { CommandFailure, LoginCommand, LoginCommandOutcome, LoginSession, Whose } from '../state/login-control.ts';

export const PATHS = { sessions: '/control/login/sessions', revoke: '/control/login/revoke' } as const;

/** The paths that there are, and what is asked for by each. */
const KINDS: ReadonlyMap<string, LoginCommand['kind']> = new Map([
  [PATHS.sessions, 'sessions'],
  [PATHS.revoke, 'revoke'],
]);

export function isControlPath(target: string): boolean {
  return KINDS.has(target);
}

const name = z.string().check(z.minLength(1), z.maxLength(4096));
const one = { subject: z.strictObject({ subject: name }), client: z.strictObject({ client: name }) };
const everything = { sessions: z.strictObject({}), revoke: z.strictObject({ all: z.literal(true) }) };

/** Undefined for what is no command. To call back everything must be said. */
export function readCommand(target: string, body: Uint8Array): LoginCommand | undefined {
  const kind = KINDS.get(target);
  const json = kind && parse(body);
  if (kind === undefined || json === undefined) return undefined;
  const whose = readWhose(kind, json.value);
  return whose && { kind, whose };
}

function readWhose(kind: LoginCommand['kind'], json: unknown): Whose | undefined {
  const subject = one.subject.safeParse(json);
  if (subject.success) return { by: 'subject', name: subject.data.subject };
  const client = one.client.safeParse(json);
  if (client.success) return { by: 'client', name: client.data.client };
  return everything[kind].safeParse(json).success ? { by: 'all' } : undefined;
}

/** The other way. */
export function formatCommand({ kind, whose }: LoginCommand): { readonly target: string; readonly body: string } {
  const all = kind === 'revoke' ? { all: true } : {};
  return { target: PATHS[kind], body: JSON.stringify(whose.by === 'all' ? all : { [whose.by]: whose.name }) };
}

function parse(body: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) };
  } catch {
    return undefined;
  }
}

const STATUS: Readonly<Record<CommandFailure, number>> = {
  no_login: 404,
  down: 503,
  busy: 503,
  late: 504,
  store_unavailable: 503,
  store_full: 503,
  bug: 500,
};

export function formatOutcome(outcome: LoginCommandOutcome): { readonly status: number; readonly json: object } {
  switch (outcome.kind) {
    case 'sessions':
      return { status: 200, json: { sessions: outcome.sessions.map(formatSession), total: outcome.total } };
    case 'revoked':
      return { status: 200, json: { ended: outcome.ended } };
    case 'ambiguous':
      return { status: 409, json: { error: 'ambiguous_client', clients: outcome.clients } };
    case 'failed':
      return { status: STATUS[outcome.why], json: { error: outcome.why } };
  }
}

function formatSession({ begunMs, confirmedMs, ...session }: LoginSession): object {
  return {
    subject: session.subject,
    email: session.email,
    client_id: session.clientId,
    client_name: session.clientName,
    scopes: session.scopes,
    since: new Date(begunMs).toISOString(),
    confirmed: new Date(Math.max(begunMs, confirmedMs)).toISOString(),
  };
}

const session = z.object({
  subject: z.string(),
  email: z.optional(z.string()),
  client_id: z.string(),
  client_name: z.optional(z.string()),
  scopes: z.array(z.string()),
  since: z.string(),
  confirmed: z.string(),
});

export type ShownSession = z.output<typeof session>;

export const SessionsAnswer = z.object({ sessions: z.array(session), total: z.number() });
export const RevokedAnswer = z.object({ ended: z.number() });
export const RefusedAnswer = z.object({ error: z.string(), clients: z.optional(z.array(z.string())) });

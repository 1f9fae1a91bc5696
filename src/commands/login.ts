/** `obex login sessions` and `obex login revoke`: who is logged in at a running Obex, and how that ends. */
import { RefusedAnswer, RevokedAnswer, SessionsAnswer } from '../admin/control-json.ts';
import { visibleJson } from '../lib/visible-json.ts';
import type { LoginCommand, Whose } from '../state/login-control.ts';
import { loadOrExplain } from './config-file.ts';
import { askControl, type ControlAnswer, ControlProblem, EXIT_FAILED, EXIT_USAGE } from './control-client.ts';
import { formatSessions } from './session-table.ts';

export interface LoginOptions {
  readonly config?: string;
  readonly subject?: string;
  readonly client?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export interface LoginSurroundings {
  readonly nowMs: number;
  stdout(text: string): void;
  stderr(text: string): void;
}

/** 0 = done, 1 = the running Obex could not be reached or did not do it, 2 = wrong usage or config. */
export async function runLogin(
  kind: LoginCommand['kind'],
  options: LoginOptions,
  surroundings: LoginSurroundings,
): Promise<number> {
  const { stderr, nowMs } = surroundings;
  const whose = readWhose(kind, options);
  if (typeof whose === 'string') {
    stderr(`obex: ${whose}\n`);
    return EXIT_USAGE;
  }
  const loaded = loadOrExplain(options.config === undefined ? {} : { config: [options.config] }, stderr);
  if (loaded === undefined) return EXIT_USAGE;
  try {
    const answer = await askControl(loaded.config.admin, { kind, whose }, nowMs);
    return kind === 'sessions' ? show(answer, options, surroundings) : tell(answer, options, surroundings);
  } catch (error) {
    if (error instanceof ControlProblem) return fail(error.message, error.exit, surroundings);
    throw error;
  }
}

/** A text is what is wrong. */
function readWhose(kind: LoginCommand['kind'], { subject, client, all = false }: LoginOptions): Whose | string {
  const given = [subject, client, all ? '' : undefined].filter((each) => each !== undefined).length;
  const choices = kind === 'revoke' ? '--subject, --client or --all' : '--subject or --client';
  if (given > 1) return `write one of ${choices}`;
  if (subject === '' || client === '') return `${subject === '' ? '--subject' : '--client'} is empty`;
  if (subject !== undefined) return { by: 'subject', name: subject };
  if (client !== undefined) return { by: 'client', name: client };
  return kind === 'sessions' || all ? { by: 'all' } : `whose? write ${choices}`;
}

function show(answer: ControlAnswer, { json }: LoginOptions, surroundings: LoginSurroundings): number {
  const read = SessionsAnswer.safeParse(answer.json);
  if (answer.status !== 200 || !read.success) return explain(answer, surroundings);
  const { sessions, total } = read.data;
  surroundings.stdout(json === true ? formatJson(read.data) : formatSessions(sessions, total));
  return 0;
}

function tell(answer: ControlAnswer, { json }: LoginOptions, surroundings: LoginSurroundings): number {
  const read = RevokedAnswer.safeParse(answer.json);
  if (answer.status !== 200 || !read.success) return explain(answer, surroundings);
  const { ended } = read.data;
  const count = ended === 1 ? '1 session' : `${ended} sessions`;
  const hint = ended === 0 ? '; `obex login sessions` lists subjects and clients' : '';
  const text = `ended ${count}; access tokens issued until now are refused${hint}\n`;
  surroundings.stdout(json === true ? formatJson(read.data) : text);
  return 0;
}

/** What strangers have chosen stands in it, and a terminal obeys some characters. */
function formatJson(json: object): string {
  return `${visibleJson(JSON.stringify(json, undefined, 2))}\n`;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  no_login: 'the running Obex has no login',
  down: 'the login thread of the running Obex has ended and is being started again; try again, since it may be done in part',
  busy: 'too many commands at once; try again',
  late: 'the login thread gave no answer in time; try again, since it may be done in part',
  store_unavailable:
    'the store of the login does not answer; it may be done in part, so mend that (the log has more) and try again',
  store_full:
    'the store of the login is full: sessions have ended, but tokens that are out stay good until they expire; use --all',
  bug: 'an internal error, which the log of Obex tells; it may be done in part',
};

function explain({ status, json }: ControlAnswer, surroundings: LoginSurroundings): number {
  const read = RefusedAnswer.safeParse(json);
  const { error = '', clients = [] } = read.data ?? {};
  if (error === 'ambiguous_client') return fail(explainAmbiguous(clients), EXIT_FAILED, surroundings);
  return fail(PROBLEMS[error] ?? `unexpected answer ${status} ${error}`, EXIT_FAILED, surroundings);
}

function explainAmbiguous(clients: readonly string[]): string {
  const cure = 'give a whole client id, which "obex login sessions --json" shows; nothing was done';
  if (clients.length === 0) return `no session is of a client whose id begins so; ${cure}`;
  return `${clients.length} clients have ids that begin so; ${cure}`;
}

function fail(problem: string, exit: number, { stderr }: LoginSurroundings): number {
  stderr(`obex: ${problem}\n`);
  return exit;
}

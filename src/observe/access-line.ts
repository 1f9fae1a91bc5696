/** The access line: one JSON line for each request, written on the data path, so formatted by hand. Never a query, never a token. */
import { rawPath } from '../lib/raw-path.ts';
import { visibleJson } from '../lib/visible-json.ts';
import type { Denial } from '../oauth/denial.ts';
import type { AccessToken } from '../oauth/principal.ts';

/** Characters of one piece of evidence. */
const MAX_EVIDENCE = 256;

export interface AccessRecord {
  readonly nowMs: number;
  readonly requestId: string;
  /** Undefined where there is but one, and where Obex answers by itself. */
  readonly server?: string | undefined;
  readonly clientAddress: string;
  readonly head: { readonly method: string; readonly target: string };
  /** 0 when the client left before there was an answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly bytesSent: number;
  readonly outcome: 'complete' | 'aborted';
  readonly accessToken: AccessToken | undefined;
  readonly denial: Denial | undefined;
}

/** Ends with a line feed. */
export function formatAccessLine(record: AccessRecord): string {
  const { method, target } = record.head;
  let line = `{"level":"info","time":"${formatTime(record.nowMs)}","event":"request"`;
  line += `,"request_id":"${record.requestId}","client":"${record.clientAddress}"`;
  if (record.server !== undefined) line += `,"server":"${record.server}"`;
  line += `,"method":"${method}","path":${visibleJson(JSON.stringify(rawPath(target)))},"status":${record.status}`;
  line += `,"duration_ms":${record.durationMs.toFixed(3)},"bytes":${record.bytesSent}`;
  if (record.outcome === 'aborted') line += ',"aborted":true';
  return `${line}${formatIdentity(record.accessToken)}${formatDenial(record.denial)}}\n`;
}

let lastTimeMs = Number.NaN;
let lastTime = '';

/** Many requests end within one millisecond. */
function formatTime(nowMs: number): string {
  if (nowMs !== lastTimeMs) lastTime = new Date(nowMs).toISOString();
  lastTimeMs = nowMs;
  return lastTime;
}

/** A token's members are the same in each of its lines. */
const identities = new WeakMap<AccessToken, string>();

function formatIdentity(accessToken: AccessToken | undefined): string {
  if (accessToken === undefined) return '';
  const known = identities.get(accessToken);
  if (known !== undefined) return known;
  const { issuer, client, subject } = accessToken;
  const identity = formatMembers({ issuer, oauth_client: client, subject });
  identities.set(accessToken, identity);
  return identity;
}

function formatDenial(denial: Denial | undefined): string {
  if (denial === undefined) return '';
  const { expected, actual, detail } = denial.evidence;
  return formatMembers({
    reason: denial.reason,
    expected: clipEvidence(expected),
    actual: clipEvidence(actual),
    detail: clipEvidence(detail),
  });
}

function formatMembers(members: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) text += `,"${name}":${visibleJson(JSON.stringify(value))}`;
  }
  return text;
}

/** Evidence may be as long as a client likes. */
export function clipEvidence(value: string | undefined): string | undefined {
  return value === undefined || value.length <= MAX_EVIDENCE ? value : `${value.slice(0, MAX_EVIDENCE)}…`;
}

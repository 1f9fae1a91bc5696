/** Fetches a document of a client from an address that was looked at, and no other. draft-ietf-oauth-client-id-metadata-document §6.5, RFC 9111 §5.2.2.1. */
import type { Clock } from '../../lib/clock.ts';
import { isPublicAddress } from '../../lib/public-address.ts';
import { errorField } from '../../observe/log.ts';
import { findEgressProxy } from '../../state/egress-proxy.ts';
import { FetchError, fetchAnswer, type WholeAnswer } from '../../state/fetch-json.ts';
import type { FieldLines } from '../../wire/exchange.ts';
import { fieldValues } from '../../wire/field-values.ts';
import { type ClientDocument, readDocument } from './read-document.ts';
import { resolveHost } from './resolve-host.ts';

/** `problem`: a phrase for the log. */
export type FetchedDocument =
  | { readonly kind: 'document'; readonly document: ClientDocument; readonly freshForMs: number }
  /** What is there is no document of this client. */
  | { readonly kind: 'unusable'; readonly problem: string }
  /** It may be there all the same: an outage, here or there. */
  | { readonly kind: 'unavailable'; readonly problem: string };

export type FetchDocument = (url: URL) => Promise<FetchedDocument>;

export interface FetchDocumentParts {
  readonly clock: Clock;
  /** In all. */
  readonly timeoutMs: number;
  /** Every address of a name; rejects when there is none. */
  readonly resolve: (host: string, timeoutMs: number) => Promise<readonly string[]>;
  /** Whether a stranger may have Obex connect there. */
  readonly isAllowed: (address: string) => boolean;
  /** PEM bundle that replaces the public authorities. */
  readonly ca: string | undefined;
}

export const TO_THE_PUBLIC_INTERNET: Omit<FetchDocumentParts, 'clock'> = {
  timeoutMs: 3_000,
  resolve: resolveHost,
  isAllowed: isPublicAddress,
  ca: undefined,
};

const MAX_BYTES = 16 * 1024;
const MINUTE_MS = 60_000;
const SHORTEST_MS = 5 * MINUTE_MS;
const LONGEST_MS = 24 * 60 * MINUTE_MS;
/** Where the answer says nothing. */
const USUAL_MS = 60 * MINUTE_MS;
/** §4.1: `application/json`, or a more specific type. */
const JSON_TYPE = /^application\/([a-z0-9!#$&^_.-]+\+)?json[ \t]*(;|$)/i;

export function createFetchDocument(parts: FetchDocumentParts): FetchDocument {
  const { clock, timeoutMs, resolve, isAllowed } = parts;
  return async (url) => {
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let addresses: readonly string[];
    try {
      addresses = await resolve(url.hostname, timeoutMs / 2);
    } catch (error) {
      return { kind: 'unavailable', problem: errorField(error) };
    }
    // One that is not allowed among others is an attempt to get there by luck.
    const refused = addresses.find((address) => !isAllowed(address));
    if (refused !== undefined) return { kind: 'unusable', problem: `${url.hostname} leads to ${refused}` };
    return fetchFromFirst(url, inOrder(addresses), { parts, deadlineMs });
  };
}

/** One of each family, IPv4 first: where a family leads nowhere, hosts say so at once. */
function inOrder(addresses: readonly string[]): readonly string[] {
  const ipv4 = addresses.find((address) => !address.includes(':'));
  const ipv6 = addresses.find((address) => address.includes(':'));
  return [ipv4, ipv6].filter((address) => address !== undefined);
}

interface Attempt {
  readonly parts: FetchDocumentParts;
  readonly deadlineMs: number;
}

async function fetchFromFirst(url: URL, addresses: readonly string[], attempt: Attempt): Promise<FetchedDocument> {
  let problem = `${url.hostname} has no address`;
  for (const address of addresses) {
    const leftMs = attempt.deadlineMs - attempt.parts.clock.monotonicMs();
    if (leftMs <= 0) break;
    try {
      return judge(url, await fetchFrom(url, address, { leftMs, ca: attempt.parts.ca }));
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      problem = errorField(error);
    }
  }
  return { kind: 'unavailable', problem };
}

async function fetchFrom(
  url: URL,
  address: string,
  { leftMs, ca }: { readonly leftMs: number; readonly ca: string | undefined },
): Promise<WholeAnswer> {
  // A proxy may take as long again.
  const timeoutMs = Math.ceil(hasProxy(url) ? leftMs / 2 : leftMs);
  const request = { method: 'GET', url: url.href, fields: ['Accept', 'application/json'], text: undefined } as const;
  return fetchAnswer(request, { timeoutMs, maxBytes: MAX_BYTES, ca, address });
}

/** One that cannot be used is what the fetch fails with. */
function hasProxy(url: URL): boolean {
  try {
    return findEgressProxy(url) !== undefined;
  } catch {
    return true;
  }
}

function judge(url: URL, { head, bytes }: WholeAnswer): FetchedDocument {
  const { status, fields } = head;
  // RFC 9110 §15.5.9, RFC 6585 §4, RFC 9110 §15.6: of the moment. A redirect is never followed.
  if (status === 408 || status === 429 || status >= 500) return { kind: 'unavailable', problem: `status ${status}` };
  if (status !== 200) return { kind: 'unusable', problem: `status ${status}` };
  const [type = 'none'] = fieldValues(fields, 'content-type');
  if (!JSON_TYPE.test(type)) return { kind: 'unusable', problem: `Content-Type ${type.slice(0, 80)}` };
  const document = readDocument(bytes, url.href);
  if (typeof document === 'string') return { kind: 'unusable', problem: document };
  return { kind: 'document', document, freshForMs: readFreshness(fields) };
}

/** As long as the answer says, but never so short that each login fetches it, nor so long that a change is not seen. */
function readFreshness(fields: FieldLines): number {
  const directives = fieldValues(fields, 'cache-control').join(',');
  if (/(^|[,\s])no-(store|cache)\b/i.test(directives)) return SHORTEST_MS;
  const [, seconds] = /(?:^|[,\s])max-age="?(\d{1,10})/i.exec(directives) ?? [];
  if (seconds === undefined) return USUAL_MS;
  return Math.min(Math.max(Number(seconds) * 1000, SHORTEST_MS), LONGEST_MS);
}

/** Identity assertions (ID-JAG): what their claims must say. draft-ietf-oauth-identity-assertion-authz-grant-03 §3.1, §4.4.1, §8.6.1.2; RFC 7523 §3. */

import { isJsonObject, type JsonObject } from '../../lib/json-text.ts';
import { readNumericDate } from '../../oauth/claims.ts';
import { isDenied } from '../../oauth/denial.ts';
import { isScopeToken } from '../../oauth/scope.ts';
import type { LoginResource } from '../options.ts';
import type { Person } from '../people/person.ts';
import { findResource } from '../resources.ts';
import { type ClaimTerms, findSubject, readClaims, toPerson } from '../upstream/read-claims.ts';
import { type AssertionRefusal, isRefused, refuse, show } from './refusal.ts';

/** Who presents an assertion. */
export interface Presenter {
  /** Authenticated. */
  readonly clientId: string;
  /** Thumbprint of the key of a DPoP proof that has been verified; undefined without one. */
  readonly jkt: string | undefined;
}

/** `preset` and `groupsClaim` are those of the IdP at which people log in: its people are the same ones here. */
export interface AssertionTerms extends ClaimTerms, Presenter {
  /** Our issuer identifier. */
  readonly audience: string;
  readonly resources: readonly LoginResource[];
}

/** What an assertion says, once its signature holds. */
export interface Asserted {
  readonly person: Person;
  /** In our spelling. */
  readonly resource: string;
  /** Unique within its issuer. */
  readonly id: string;
  readonly expiresAtMs: number;
  /** As far as the issuer lets the client go; undefined: it does not say. */
  readonly scopes: readonly string[] | undefined;
}

/** RFC 7519 §4.1.4: "some small leeway, usually no more than a few minutes, to account for clock skew". */
export const CLOCK_SKEW_MS = 30_000;
/**
 * RFC 7523 §3 rule 4: an `exp` "that is unreasonably far in the future" may be refused. Examples of the draft live 1000
 * seconds, and the profile of MCP names 3600.
 */
export const LONGEST_LIFE_MS = 3_600_000;
const LONGEST_ID = 255;

/** Pure. Nothing of it counts before the signature has been verified. */
export function judgeAssertion(payload: JsonObject, terms: AssertionTerms, nowMs: number): Asserted | AssertionRefusal {
  const expiresAtMs = judgeTimes(payload, nowMs);
  if (typeof expiresAtMs !== 'number') return expiresAtMs;
  const resource = judgeParties(payload, terms);
  if (typeof resource !== 'string') return resource;
  const fault = judgeBinding(payload, terms.jkt);
  if (fault !== undefined) return fault;
  const scopes = readScopes(payload);
  if (scopes !== undefined && isRefused(scopes)) return scopes;
  const { jti: id } = payload;
  if (!isIdentifier(id)) return malformed('jti', id);
  const subject = findSubject(payload, terms.preset);
  if (!isIdentifier(subject)) return malformed(terms.preset.subjectClaim ?? 'sub', subject);
  return { person: toPerson(subject, readClaims(payload, terms)), resource, id, expiresAtMs, scopes };
}

/** When it ends. §3.1: `exp` and `iat` are required, `nbf` is RFC 7519's. */
function judgeTimes(payload: JsonObject, nowMs: number): number | AssertionRefusal {
  const expiresAtMs = readNumericDate('exp', payload['exp']);
  if (typeof expiresAtMs !== 'number') return malformed('exp', payload['exp']);
  // RFC 7519 §4.1.4: "on or after" which it must not be accepted
  if (nowMs >= expiresAtMs + CLOCK_SKEW_MS) {
    return refuse('expired', { expected: `after ${formatTime(nowMs)}`, actual: formatTime(expiresAtMs) });
  }
  const latestMs = nowMs + LONGEST_LIFE_MS + CLOCK_SKEW_MS;
  if (expiresAtMs > latestMs) {
    return refuse('lives_too_long', { expected: `before ${formatTime(latestMs)}`, actual: formatTime(expiresAtMs) });
  }
  for (const name of ['iat', 'nbf'] as const) {
    if (name === 'nbf' && payload[name] === undefined) continue;
    const timeMs = readNumericDate(name, payload[name]);
    if (isRefusedDate(timeMs)) return malformed(name, payload[name]);
    if (timeMs > nowMs + CLOCK_SKEW_MS) {
      return refuse('not_yet_valid', { expected: `before ${formatTime(nowMs)}`, actual: formatTime(timeMs) });
    }
  }
  return expiresAtMs;
}

function isRefusedDate(date: ReturnType<typeof readNumericDate>): date is Exclude<typeof date, number> {
  return typeof date !== 'number' && isDenied(date);
}

/** §4.4.1: audience, client and resource, which it returns. */
function judgeParties(payload: JsonObject, terms: AssertionTerms): string | AssertionRefusal {
  const { aud, client_id: client, resource, authorization_details: details } = payload;
  // Byte for byte, and one string: an array of one would be as good, and is one more thing to read differently.
  if (aud !== terms.audience) return refuse('audience_mismatch', { expected: terms.audience, actual: show(aud) });
  if (client !== terms.clientId) return refuse('client_mismatch', { expected: terms.clientId, actual: show(client) });
  // MCP Enterprise-Managed Authorization §4.3: required, and one
  const found = typeof resource === 'string' ? findResource(terms.resources, resource) : undefined;
  if (found === undefined) {
    const expected = terms.resources.map((each) => each.resource).join(' ');
    return refuse('resource_mismatch', { expected, actual: show(resource) });
  }
  // RFC 9396 §5: they may narrow what is granted in ways that no token of ours can say.
  return details === undefined ? found.resource : refuse('authorization_details', { expected: 'scope alone' });
}

/** §8.6.1.2, RFC 7800 §3.1: every member is a condition. */
function judgeBinding({ cnf }: JsonObject, jkt: string | undefined): AssertionRefusal | undefined {
  if (cnf === undefined) return undefined;
  const members = isJsonObject(cnf) ? Object.entries(cnf) : [];
  const [[name, bound] = []] = members;
  if (members.length !== 1 || name !== 'jkt' || typeof bound !== 'string') {
    return refuse('binding_not_understood', { expected: 'jkt', actual: show(members.map(([each]) => each).join(' ')) });
  }
  if (jkt === undefined) return refuse('proof_missing');
  return bound === jkt ? undefined : refuse('proof_mismatch', { expected: show(bound), actual: jkt });
}

/** §3.1: one string, in the format of RFC 6749 §3.3. */
function readScopes({ scope }: JsonObject): readonly string[] | undefined | AssertionRefusal {
  if (scope === undefined) return undefined;
  if (typeof scope !== 'string') return malformed('scope', scope);
  const scopes = scope.split(' ').filter((token) => token !== '');
  return scopes.every(isScopeToken) ? scopes : malformed('scope', scope);
}

/** It goes into tokens and the store. */
function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_ID && value.isWellFormed();
}

function malformed(claim: string, value: unknown): AssertionRefusal {
  return refuse('malformed', { expected: claim, actual: show(value) });
}

function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** WWW-Authenticate: what a refused client is told to do next. RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1. */
import type { Scheme } from './credentials.ts';
import { type ChallengeError, DENIAL_REASONS, type DenialReason, denialRow } from './denial.ts';
import { isScopeToken } from './scope.ts';

export interface ChallengeOptions {
  /** Where the Protected Resource Metadata with the path suffix is served; it has no query. */
  readonly resourceMetadataUrl: URL;
  /** What a client should ask for: all scopes that any request needs, and what the IdP wants besides; empty = no `scope`. */
  readonly requiredScopes: readonly string[];
  /** Proof algorithms in the order published; absent = DPoP is off and there is no DPoP challenge. */
  readonly dpopAlgorithms?: readonly string[];
}

/** The WWW-Authenticate field lines (alternating name, value) of a refusal; empty when it carries no challenge. */
export type Challenges = (reason: DenialReason, scheme: Scheme | undefined) => readonly string[];

interface ChallengeFault {
  readonly error: ChallengeError;
  readonly description: string | undefined;
}

/** DPoP errors are told in the DPoP challenge, whatever scheme the client used. */
const DPOP_ERRORS: ReadonlySet<ChallengeError> = new Set<ChallengeError>(['invalid_dpop_proof', 'use_dpop_nonce']);

/**
 * Works out every challenge once. Bearer comes first and always has parameters: several clients read the first challenge
 * only. Each challenge stands on a field line of its own, which joins to the same list (RFC 9110 §5.3) for clients that
 * see all lines, and leaves Bearer alone and easy to parse for those that see the first line.
 */
export function createChallenges(options: ChallengeOptions): Challenges {
  const bearer = new Map<DenialReason, readonly string[]>();
  const dpop = new Map<DenialReason, readonly string[]>();
  for (const reason of DENIAL_REASONS) {
    bearer.set(reason, formatFields(options, reason, 'Bearer'));
    dpop.set(reason, formatFields(options, reason, 'DPoP'));
  }
  return (reason, scheme) => (scheme === 'DPoP' ? dpop : bearer).get(reason) ?? [];
}

function formatFields(options: ChallengeOptions, reason: DenialReason, scheme: Scheme): readonly string[] {
  const { challenge, description } = denialRow(reason);
  if (challenge === undefined) return [];
  const fault: ChallengeFault | undefined = challenge === 'none' ? undefined : { error: challenge, description };
  const { dpopAlgorithms } = options;
  if (dpopAlgorithms === undefined) return ['WWW-Authenticate', formatBearer(options, fault)];
  const isDpopFault = fault !== undefined && (scheme === 'DPoP' || DPOP_ERRORS.has(fault.error));
  return [
    'WWW-Authenticate',
    formatBearer(options, isDpopFault ? undefined : fault),
    'WWW-Authenticate',
    formatChallenge('DPoP', ['algs', dpopAlgorithms.join(' ')], isDpopFault ? fault : undefined),
  ];
}

function formatBearer(options: ChallengeOptions, fault: ChallengeFault | undefined): string {
  const { origin, pathname } = options.resourceMetadataUrl;
  const parameters = ['resource_metadata', origin + pathname];
  const scopes = options.requiredScopes.filter(isScopeToken);
  if (scopes.length > 0) parameters.push('scope', scopes.join(' '));
  return formatChallenge('Bearer', parameters, fault);
}

/**
 * Nothing is escaped because nothing can need it: an https URL's `pathname` and a scope token hold no quote and no
 * backslash (a query could), the rest is our own. A client that mistakes `\"` for the end would read what follows as parameters.
 */
function formatChallenge(scheme: Scheme, parameters: readonly string[], fault: ChallengeFault | undefined): string {
  const all = ['realm', 'mcp', ...parameters];
  if (fault !== undefined) all.push('error', fault.error);
  if (fault?.description !== undefined) all.push('error_description', fault.description);
  const pairs: string[] = [];
  for (let index = 0; index < all.length; index += 2) pairs.push(`${all[index]}="${all[index + 1]}"`);
  return `${scheme} ${pairs.join(', ')}`;
}

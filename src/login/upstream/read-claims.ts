/** What an ID token or the userinfo endpoint says of a person, bounded. OpenID Connect Core §5.1, §5.3.2, §5.6.2. */
import { parseJsonPointer, readJsonPointer } from '../../lib/json-pointer.ts';
import { isJsonObject, type JsonObject } from '../../lib/json-text.ts';
import type { Person } from '../people/person.ts';
import type { UpstreamPreset } from './presets.ts';
import { UpstreamInvalid } from './upstream.ts';

/** Undefined: this source does not say. */
export interface SaidOfPerson {
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly groups: readonly string[] | undefined;
}

export interface ClaimTerms {
  readonly preset: UpstreamPreset;
  /** A name or a JSON pointer. */
  readonly groupsClaim: string;
}

/** §2: 255 ASCII characters. */
const LONGEST_SUBJECT = 255;
/** RFC 5321 §4.5.3.1.3. */
const LONGEST_EMAIL = 254;
const LONGEST_NAME = 256;
const LONGEST_GROUP = 256;
const MOST_GROUPS = 1_000;

export function readSubject(claims: JsonObject, preset: UpstreamPreset): string {
  const subject = findSubject(claims, preset);
  if (subject !== undefined) return subject;
  const name = preset.subjectClaim ?? 'sub';
  throw new UpstreamInvalid(`expected ${name} in the ID token, of 1 to ${LONGEST_SUBJECT} characters`);
}

/** Undefined: the claims name nobody. */
export function findSubject(claims: JsonObject, { subjectClaim }: UpstreamPreset): string | undefined {
  const subject = claims[subjectClaim ?? 'sub'];
  return isText(subject, LONGEST_SUBJECT) ? subject : undefined;
}

export function readClaims(claims: JsonObject, terms: ClaimTerms): SaidOfPerson {
  const { name } = claims;
  return {
    email: readEmail(claims, terms.preset),
    name: isText(name, LONGEST_NAME) ? name : undefined,
    groups: readGroups(claims, terms),
  };
}

/** The first source counts; what it does not say, the second one may. */
export function toPerson(subject: string, first: SaidOfPerson, second?: SaidOfPerson): Person {
  return {
    subject,
    email: first.email ?? second?.email,
    name: first.name ?? second?.name,
    groups: first.groups ?? second?.groups ?? [],
  };
}

function readEmail(claims: JsonObject, { email: rule }: UpstreamPreset): string | undefined {
  const { email, email_verified: verified, hd } = claims;
  if (rule === 'never' || verified !== true || !isText(email, LONGEST_EMAIL)) return undefined;
  const isHosted = isText(hd, LONGEST_EMAIL) || /@gmail\.com$/i.test(email);
  return rule === 'if verified' || isHosted ? email : undefined;
}

/** One group may come as a string. What is no string is no group. */
function readGroups(claims: JsonObject, { preset, groupsClaim }: ClaimTerms): readonly string[] | undefined {
  const named = groupsClaim === 'groups' ? (preset.groupsClaim ?? groupsClaim) : groupsClaim;
  if (isElsewhere(claims, named)) return [];
  const value = readJsonPointer(claims, parseJsonPointer(named) ?? [named]);
  if (value === undefined || value === null) return undefined;
  const groups = new Set<string>();
  for (const group of Array.isArray(value) ? value : [value]) {
    if (isText(group, LONGEST_GROUP)) groups.add(group);
    if (groups.size === MOST_GROUPS) break;
  }
  return [...groups];
}

/** §5.6.2; Entra says so where there are too many groups, and with `hasgroups` where the URL would be too long as well. */
function isElsewhere({ _claim_names: names, hasgroups }: JsonObject, claim: string): boolean {
  return (isJsonObject(names) && names[claim] !== undefined) || hasgroups === true || hasgroups === 'true';
}

/** Nothing that a terminal or a header field would take for more than text. */
function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest && !/\p{Cc}/u.test(value);
}

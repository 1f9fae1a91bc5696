/** Rules about who is granted what: `login.scope_grants`, and what an IdP cannot tell of its people. RFC 6749 §3.3. */
import type { Draft } from './draft.ts';
import { type LoginProvider, PROVIDER_FACTS } from './login-providers.ts';
import { isRecord, type Path } from './path.ts';
import { read, readItems } from './read-value.ts';
import { sections } from './schema.ts';
import { parseScope } from './scopes.ts';

const GRANTS = ['login', 'scope_grants'];

const login = sections.shape.login.def.innerType.shape;
const grant = login.scope_grants.def.innerType.def.element.shape;
const resource = sections.shape.resource.def.out.shape;
const authz = sections.shape.authz.def.out.shape;

export function checkGrants(draft: Draft, provider: LoginProvider | undefined): void {
  const grants = placesOfGrants(draft);
  for (const place of grants) {
    checkWhom(draft, place);
  }
  if (!draft.isView) checkGranted(draft, knownScopes(draft));
  checkOffline(draft, grants);
  if (provider !== undefined) checkKnowledge(draft, provider, grants);
}

function placesOfGrants(draft: Draft): readonly Path[] {
  const list = draft.valueAt(GRANTS);
  return Array.isArray(list)
    ? list.flatMap((entry: unknown, index) => (isRecord(entry) ? [[...GRANTS, index]] : []))
    : [];
}

function checkWhom(draft: Draft, place: Path): void {
  const lists = [
    [...place, 'groups'],
    [...place, 'emails'],
  ];
  const open = [...place, 'everyone'];
  if ([open, ...lists].some((path) => draft.isAtFault(path))) return;
  const namesSomebody = lists.some((path) => isFilled(draft.valueAt(path)));
  const everyone = read(draft, open, grant.everyone) === true;
  if (namesSomebody && everyone)
    draft.report(open, 'stands beside groups or emails, which would mean nothing; delete one of them');
  if (!namesSomebody && !everyone) draft.report(place, 'is for nobody; give it groups, emails, or everyone: true');
}

/** Anything but an absent or empty list, which says what it says. */
function isFilled(list: unknown): boolean {
  return list !== undefined && !(Array.isArray(list) && list.length === 0);
}

/** Undefined where they cannot be read. */
export function knownScopes(draft: Draft): readonly string[] | undefined {
  const supported = read(draft, ['resource', 'scopes_supported'], resource.scopes_supported);
  const required = read(draft, ['authz', 'required_scopes'], authz.required_scopes);
  if (supported === undefined || required === undefined) return undefined;
  return supported.length > 0 ? supported : required;
}

/** `known`: what the resource, or one of several, has to grant. */
export function checkGranted(draft: Draft, known: readonly string[] | undefined): void {
  if (known === undefined) return;
  const lists = placesOfGrants(draft).map((place) => [...place, 'scopes']);
  for (const { path, value } of lists.flatMap((list) => readItems(draft, list, parseScope))) {
    if (known.includes(value) || value === 'offline_access') continue;
    draft.report(
      path,
      `is not in resource.scopes_supported: ${JSON.stringify(value)}; add it there, or delete it here`,
    );
  }
}

/** Clients have refresh tokens whether they ask for them or not, so that nothing would depend on it. */
function checkOffline(draft: Draft, grants: readonly Path[]): void {
  const lists: readonly Path[] = [
    ['resource', 'scopes_supported'],
    ['authz', 'required_scopes'],
    ...grants.map((place) => [...place, 'scopes']),
  ];
  for (const { path, value } of lists.flatMap((list) => readItems(draft, list, parseScope))) {
    if (value !== 'offline_access') continue;
    draft.report(path, 'offline_access says nothing: with login every client gets a refresh token; delete it');
  }
}

/** A list that can never match keeps everybody out, or lets somebody in whom nobody has verified. */
function checkKnowledge(draft: Draft, provider: LoginProvider, grants: readonly Path[]): void {
  const { groupsClaim, unverifiedEmails } = PROVIDER_FACTS[provider];
  const allow = ['login', 'allow'];
  const refuse = (path: Path, message: string): void => {
    if (isFilled(draft.valueAt(path)) && !draft.isAtFault(path)) draft.report(path, message);
  };
  if (groupsClaim === undefined) {
    refuse([...allow, 'groups'], 'Google tells no groups; name emails, email_domains or subjects');
    for (const place of grants) refuse([...place, 'groups'], 'Google tells no groups; name emails');
  }
  if (unverifiedEmails === undefined) return;
  for (const key of ['emails', 'email_domains'])
    refuse([...allow, key], `${unverifiedEmails}; name subjects or groups`);
  for (const place of grants) refuse([...place, 'emails'], `${unverifiedEmails}; name groups`);
}

/** Who may log in: whoever one of the lists names. OpenID Connect Core §5.7. */
import type { AllowOptions } from '../options.ts';
import { equalsFolded, parseEmail } from './email.ts';
import type { Person } from './person.ts';

/** What of the options a person's e-mail address and groups are held against. */
export type Named = Pick<AllowOptions, 'everyone' | 'emails' | 'groups'>;

/** Any list suffices. Groups and subjects are compared byte for byte. */
export function isAllowed(person: Person, allow: AllowOptions): boolean {
  if (isNamed(person, allow) || allow.subjects.includes(person.subject)) return true;
  const email = parseEmail(person.email ?? '');
  // No subdomains: whoever runs one is not whoever runs the domain.
  return email !== undefined && allow.emailDomains.some((domain) => equalsFolded(domain, email.domain));
}

/** By everyone, e-mail address or group. */
export function isNamed(person: Person, { everyone, emails, groups }: Named): boolean {
  if (everyone || person.groups.some((group) => groups.includes(group))) return true;
  const email = parseEmail(person.email ?? '');
  return email !== undefined && emails.some((address) => equalsFolded(address, email.whole));
}

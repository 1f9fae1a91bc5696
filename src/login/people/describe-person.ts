/** Who somebody is, as the IdP says, for the log: it is what `allow` and `scope_grants` were held against. */
import type { Person } from './person.ts';

const GROUPS_SHOWN = 20;

export interface PersonFields {
  readonly subject: string;
  readonly email: string;
  readonly groups: readonly string[];
}

export function describePerson({ subject, email, groups }: Person): PersonFields {
  const more = groups.length - GROUPS_SHOWN;
  const shown = groups.slice(0, GROUPS_SHOWN);
  return {
    subject,
    email: email ?? '(none that the IdP has verified)',
    groups: more > 0 ? [...shown, `(${more} more)`] : shown,
  };
}

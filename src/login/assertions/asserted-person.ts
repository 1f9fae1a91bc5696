/** Whom a token speaks for that came of no login here, and so of no family. RFC 9068 §2.2.3. */
import type { Person } from '../people/person.ts';

const people = new WeakMap<object, Person>();

export function noteAsserted(token: object, person: Person): void {
  people.set(token, person);
}

export function findAsserted(token: object): Person | undefined {
  return people.get(token);
}

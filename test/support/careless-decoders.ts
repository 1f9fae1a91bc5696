/** How decoders of other languages find a member by its name; each has been seen to. */
import type { Node } from './second-json.ts';

export type FindMember = (members: readonly (readonly [string, Node])[], name: string) => Node | undefined;

/** Unicode's simple folding, as far as ASCII has part in it. */
const fold = (name: string) => name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();

const loose = (name: string) => fold(name).replace(/[-_]/g, '');

const untilNul = (name: string) => name.split('\0', 1)[0] ?? '';

const last =
  (same: (name: string) => string): FindMember =>
  (members, name) =>
    members.findLast(([written]) => same(written) === same(name))?.[1];

const first =
  (same: (name: string) => string): FindMember =>
  (members, name) =>
    members.find(([written]) => same(written) === same(name))?.[1];

export const CARELESS_DECODERS: Readonly<Record<string, FindMember>> = {
  'the last one (JavaScript, Python)': last((name) => name),
  'the first one (some scanners)': first((name) => name),
  'the last one in any case (Go encoding/json, Newtonsoft)': last(fold),
  'the first one in any case (cJSON)': first(fold),
  'the last one without - and _ (Go json/v2)': last(loose),
  'the first one up to NUL (readers in C)': first(untilNul),
  'the last one up to NUL in any case': last((name) => fold(untilNul(name))),
  'upper case (.NET)': last((name) => name.toUpperCase()),
  'lower case in Turkish (Java)': last((name) => name.toLocaleLowerCase('tr')),
};

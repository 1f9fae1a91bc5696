/** Rules between scopes and their prefix. RFC 6749 §3.3. */
import type { Draft } from './draft.ts';
import { isRecord, type Path } from './path.ts';
import { read, readItems } from './read-value.ts';
import { sections } from './schema.ts';
import { parseScope } from './scopes.ts';

const resource = sections.shape.resource.def.out.shape;

/** A scope with the prefix would be asked for with two, and never be found in a token, where the prefix is taken off. */
export function checkScopePrefix(draft: Draft): void {
  const prefix = read(draft, ['resource', 'scope_prefix'], resource.scope_prefix) ?? '';
  if (prefix === '') return;
  const implications = draft.valueAt(['authz', 'scope_implies']);
  const keys = isRecord(implications) ? Object.keys(implications) : [];
  const lists: readonly Path[] = [
    ['resource', 'scopes_supported'],
    ['authz', 'required_scopes'],
    ['authz', 'challenge_scopes'],
    ...keys.map((key) => ['authz', 'scope_implies', key]),
  ];
  const scopes = [
    ...lists.flatMap((list) => readItems(draft, list, parseScope)),
    ...keys.map((key) => ({ path: ['authz', 'scope_implies', key], value: key })),
  ];
  for (const { path, value } of scopes) {
    if (!value.startsWith(prefix)) continue;
    draft.report(
      path,
      `begins with resource.scope_prefix, which is put before it anyway; write ${JSON.stringify(value.slice(prefix.length))}`,
    );
  }
}

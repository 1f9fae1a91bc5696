/** What a message is about: the tool, prompt, resource or task that its params name. MCP 2026-07-28, Schema; SEP-2663. */
import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { decidingNames, hasLookAlike } from './look-alikes.ts';
import type { NameSource } from './methods.ts';

export interface Named {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'task';
  /** A URI for resources; for completion/complete it may be a template of one. */
  readonly name: string;
}

const NONE: readonly Named[] = Object.freeze([]);

const REF_NAMES = decidingNames(['type', 'name', 'uri']);
const FILTER_NAMES = decidingNames(['resourceSubscriptions', 'taskIds']);

const NO_PARAMS: JsonObject = Object.freeze({});

/** Everything that params name, or a phrase why that cannot be told. */
export function findNamed(source: NameSource | undefined, given: JsonObject | undefined): readonly Named[] | string {
  if (source === undefined) return NONE;
  const params = given ?? NO_PARAMS;
  switch (source) {
    case 'tool':
    case 'prompt':
      return isArguments(params['arguments']) ? single(source, params['name']) : 'params.arguments is no object';
    case 'resource':
      return single(source, params['uri']);
    case 'task':
      return single(source, params['taskId']);
    case 'ref':
      return findReferenced(params['ref']);
    case 'filter':
      return findSubscribed(params['notifications']);
  }
}

/** null is absence to everybody who takes it at all. */
function isArguments(value: unknown): boolean {
  return value === undefined || value === null || isJsonObject(value);
}

function single(kind: Named['kind'], name: unknown): readonly Named[] | string {
  return isName(name) ? [{ kind, name }] : `the ${kind} is not named by a text`;
}

/** Readers in C end a text at NUL. */
function isName(name: unknown): name is string {
  return typeof name === 'string' && !name.includes('\0');
}

function findReferenced(ref: unknown): readonly Named[] | string {
  if (!isJsonObject(ref)) return 'params.ref is no object';
  if (hasLookAlike(ref, REF_NAMES)) return 'params.ref has a look-alike of a member';
  switch (ref['type']) {
    case 'ref/prompt':
      return single('prompt', ref['name']);
    case 'ref/resource':
      return single('resource', ref['uri']);
    default:
      return 'params.ref is of no known type';
  }
}

function findSubscribed(filter: unknown): readonly Named[] | string {
  if (!isJsonObject(filter)) return 'params.notifications is no object';
  if (hasLookAlike(filter, FILTER_NAMES)) return 'params.notifications has a look-alike of a member';
  const resources = several('resource', filter['resourceSubscriptions']);
  // SEP-2663: of tasks, too.
  const tasks = several('task', filter['taskIds']);
  if (typeof resources === 'string') return resources;
  return typeof tasks === 'string' ? tasks : [...resources, ...tasks];
}

function several(kind: Named['kind'], names: unknown): readonly Named[] | string {
  const list = names ?? NONE;
  const isList = Array.isArray(list) && list.every(isName);
  return isList ? list.map((name) => ({ kind, name })) : `a ${kind} of params.notifications is not named by a text`;
}

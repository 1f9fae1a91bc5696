/** The schema as a list: every section and every value with its path, for docs, JSON Schema, environment and hints. */
import * as z from 'zod/mini';
import { type LeafInfo, leaves } from './leaf.ts';
import type { Path } from './path.ts';
import { sections } from './schema.ts';

/** A value of the config. In `path`, "[]" stands for every item of a list. */
export interface Leaf {
  readonly path: readonly string[];
  readonly info: LeafInfo;
  readonly meaning: string;
  /** The environment variable that overrides it; undefined inside lists. */
  readonly variable: string;
}

/** A map with fixed keys. */
export interface Section {
  readonly path: readonly string[];
  readonly keys: readonly string[];
  readonly meaning: string;
}

export const LIST_ITEM = '[]';

interface Found {
  readonly leaves: Leaf[];
  readonly sections: Section[];
}

/** Strips what wraps a schema (default, optional, preprocessing) down to the map or list inside. */
export function unwrapSchema(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodMiniPrefault || schema instanceof z.ZodMiniOptional)
    return unwrapSchema(schema.def.innerType);
  // A pipe that ends in a transform parses a value; one that begins with one is `section`.
  if (schema instanceof z.ZodMiniPipe && schema.def.in instanceof z.ZodMiniTransform)
    return unwrapSchema(schema.def.out);
  return schema;
}

function collect(schema: z.core.$ZodType, path: readonly string[], found: Found): Found {
  const info = leaves.get(schema);
  const meaning = z.globalRegistry.get(schema)?.description ?? '';
  if (info !== undefined) {
    found.leaves.push({ path, info, meaning, variable: variableName(path) });
    return found;
  }
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodMiniArray) return collect(inner.def.element, [...path, LIST_ITEM], found);
  if (!(inner instanceof z.ZodMiniObject)) throw new Error(`no description of ${path.join('.')}`);
  found.sections.push({ path, keys: Object.keys(inner.shape), meaning });
  for (const [key, child] of Object.entries(inner.shape)) collect(child, [...path, key], found);
  return found;
}

/** OBEX_ and the path in capitals; the section obex is left out. */
function variableName(path: readonly string[]): string {
  const named = path[0] === 'obex' ? path.slice(1) : path;
  return `OBEX_${named.join('_').toUpperCase()}`;
}

const found = collect(sections, [], { leaves: [], sections: [] });

export const LEAVES: readonly Leaf[] = found.leaves;
export const SECTIONS: readonly Section[] = found.sections;

/** Names of the top-level sections. */
export const SECTION_NAMES = Object.keys(sections.shape);

const LISTS = new Set(LEAVES.filter(({ info }) => info.kind === 'list').map(({ path }) => path.join('.')));

/** Whether a list of single values stands at this place of a config. */
export function isList(path: Path): boolean {
  const place = path[0] === 'servers' ? path.slice(2) : path;
  return LISTS.has(place.map((key) => (typeof key === 'number' ? LIST_ITEM : key)).join('.'));
}

/** Whether a value is one word or number, so that an environment variable can hold it. */
export function isScalar({ path, info }: Leaf): boolean {
  return info.kind !== 'list' && info.kind !== 'map' && !path.includes(LIST_ITEM);
}

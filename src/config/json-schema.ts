/** The JSON Schema (draft 2020-12) of a config file, for editors: made from the schema, with both layouts and all twins. */
import * as z from 'zod/mini';
import { LIST_ITEM } from './catalogue.ts';
import { VARIABLE_IN_TEXT } from './leaf.ts';
import { isRecord, valueAt } from './path.ts';
import { sections } from './schema.ts';
import { SECRET_PATHS, TWIN_SUFFIX } from './secret-files.ts';
import { SERVER_LIMITS, SERVER_NAME, SERVER_SECTIONS } from './sections/servers.ts';

type JsonObject = Record<string, unknown>;

/** Sections without which a config cannot be complete. obex itself is the third; it cannot be nested. */
const REQUIRED_SECTIONS = ['backend', 'resource'] as const;

/** Strings with `${VAR}` pass everywhere. Values that `OBEX_*` variables bring are not seen by it. */
export function buildJsonSchema(): JsonObject {
  const root: JsonObject = z.toJSONSchema(sections, { io: 'input', target: 'draft-2020-12' });
  relaxSections(root);
  addTwins(root);
  allowVariables(root);
  const properties = objectAt(root, ['properties']);
  properties['servers'] = describeServers(properties);
  const obexProperties = objectAt(properties, ['obex', 'properties']);
  const names = Object.keys(properties).filter((name) => name !== 'obex');
  for (const name of names) obexProperties[name] = { $ref: `#/properties/${name}` };
  return {
    ...root,
    type: 'object',
    title: 'Obex config',
    description: 'Sections stand at the top level or nested under obex; each in one place only.',
    required: ['obex'],
    allOf: names.map(onePlace),
  };
}

/** Each with sections of its own, in which nothing is required that stands in the shared one or has a default. */
function describeServers(properties: JsonObject): JsonObject {
  const copies = SERVER_SECTIONS.map((name) => [name, structuredClone(objectAt(properties, [name]))] as const);
  const own: JsonObject = Object.fromEntries(copies);
  delete objectAt(own, ['resource'])['required'];
  const limits = objectAt(own, ['limits', 'properties']);
  for (const key of Object.keys(limits)) if (!SERVER_LIMITS.some((limit) => limit === key)) delete limits[key];
  return {
    ...objectAt(properties, ['servers']),
    propertyNames: { pattern: SERVER_NAME.source },
    additionalProperties: { type: 'object', additionalProperties: false, required: ['backend'], properties: own },
  };
}

/** A section that needs no key may be absent or empty (`log:` and nothing below). Whether it is needed, `onePlace` says. */
function relaxSections(schema: JsonObject): void {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const children = [...Object.values(properties), schema['items']].filter(isRecord);
  for (const child of children) relaxSections(child);
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const needed = required.filter((key) => valueAt(properties, [String(key), 'properties']) === undefined);
  if (needed.length > 0) schema['required'] = needed;
  else if (schema['type'] === 'object' && schema['properties'] !== undefined) {
    delete schema['required'];
    schema['type'] = ['object', 'null'];
  }
}

/** The section at the top level or under obex: one of them, or servers, when it is required, else not both. */
function onePlace(name: string): JsonObject {
  const places = placesOf(name);
  return REQUIRED_SECTIONS.some((required) => required === name)
    ? { oneOf: [...places, ...placesOf('servers')] }
    : { not: { allOf: places } };
}

function placesOf(name: string): readonly JsonObject[] {
  return [{ required: [name] }, { required: ['obex'], properties: { obex: { required: [name] } } }];
}

function addTwins(root: JsonObject): void {
  for (const path of SECRET_PATHS) {
    const name = String(path.at(-1));
    const section = objectAt(
      root,
      path.slice(0, -1).flatMap((key) => (key === LIST_ITEM ? ['items'] : ['properties', key])),
    );
    const properties = objectAt(section, ['properties']);
    const twin = { type: 'string', description: `File that holds ${path.join('.').replaceAll('.[]', '[]')}.` };
    properties[`${name}${TWIN_SUFFIX}`] = twin;
    const { required } = section;
    if (!Array.isArray(required) || !required.includes(name)) continue;
    section['required'] = required.filter((key) => key !== name);
    section['anyOf'] = [{ required: [name] }, { required: [`${name}${TWIN_SUFFIX}`] }];
  }
}

/** A list may be one text that names its values: `"${AUDIENCES}"`. */
function allowVariables(schema: JsonObject): void {
  for (const child of Object.values(objectAt(schema, ['properties']))) {
    if (!isRecord(child)) continue;
    const { items } = child;
    if (isRecord(child['properties'])) allowVariables(child);
    else if (isRecord(items) && isRecord(items['properties'])) allowVariables(items);
    else if (isRecord(items)) Object.assign(child, { type: ['array', 'string'], pattern: VARIABLE_IN_TEXT });
  }
}

function objectAt(root: JsonObject, path: readonly string[]): JsonObject {
  const found = valueAt(root, path);
  if (!isRecord(found)) throw new Error(`no ${path.join('.')} in the JSON Schema`);
  return found;
}

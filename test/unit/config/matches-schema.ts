/** As much of a JSON Schema validator as the schema of the config needs; an unknown keyword fails the test. */
import assert from 'node:assert/strict';
import { isRecord, valueAt } from '../../../src/config/path.ts';

type Check = (value: unknown, expected: unknown, root: unknown, schema: Readonly<Record<string, unknown>>) => boolean;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : assert.fail('not a list'));
const ignored: Check = () => true;

const CHECKS: Readonly<Record<string, Check>> = {
  $schema: ignored,
  title: ignored,
  description: ignored,
  default: ignored,
  type: (value, types) =>
    [types].flat().some((type) => typeOf(value) === type || (type === 'number' && typeOf(value) === 'integer')),
  const: (value, expected) => value === expected,
  enum: (value, words) => list(words).includes(value),
  pattern: (value, pattern) => typeof value !== 'string' || new RegExp(String(pattern)).test(value),
  minimum: (value, least) => typeof value !== 'number' || value >= Number(least),
  maximum: (value, most) => typeof value !== 'number' || value <= Number(most),
  items: (value, item, root) => !Array.isArray(value) || value.every((entry) => matches(entry, item, root)),
  required: (value, keys) => !isRecord(value) || list(keys).every((key) => Object.hasOwn(value, String(key))),
  properties: (value, schemas, root) =>
    !isRecord(value) ||
    Object.entries(value).every(([key, child]) => matches(child, valueAt(schemas, [key]) ?? {}, root)),
  additionalProperties: (value, others, root, schema) => {
    const known = isRecord(schema['properties']) ? schema['properties'] : {};
    const rest = isRecord(value) ? Object.entries(value).filter(([key]) => !Object.hasOwn(known, key)) : [];
    return rest.every(([, child]) => others !== false && matches(child, others, root));
  },
  propertyNames: (value, schema, root) =>
    !isRecord(value) || Object.keys(value).every((key) => matches(key, schema, root)),
  allOf: (value, schemas, root) => list(schemas).every((schema) => matches(value, schema, root)),
  anyOf: (value, schemas, root) => list(schemas).some((schema) => matches(value, schema, root)),
  oneOf: (value, schemas, root) => list(schemas).filter((schema) => matches(value, schema, root)).length === 1,
  not: (value, schema, root) => !matches(value, schema, root),
  $ref: (value, reference, root) => matches(value, valueAt(root, String(reference).slice(2).split('/')), root),
};

/** Whether a value satisfies a schema; `root` is where `$ref` begins. */
export function matches(value: unknown, schema: unknown, root: unknown): boolean {
  if (!isRecord(schema)) return assert.fail('not a schema');
  return Object.entries(schema).every(([keyword, expected]) => {
    const check = CHECKS[keyword] ?? assert.fail(`unknown keyword ${keyword}`);
    return check(value, expected, root, schema);
  });
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return value === null ? 'null' : typeof value;
}

/** The building blocks of the schema: one value of the config, parsed, described and documented in one place. */
import * as z from 'zod/mini';
import { Refused, refuse, refuseSilently } from './refused.ts';
import { formatDuration, formatSize, guessDuration, guessSize, parseDuration, parseSize } from './units.ts';

/** How a value is written: names the type in the docs and decides how an effective value is printed. */
export type LeafKind =
  | 'boolean'
  | 'integer'
  | 'number'
  | 'duration'
  | 'size'
  | 'string'
  | 'URL'
  | 'address'
  | 'list'
  | 'map';

/** What the docs, the masking and the environment overrides know of a value, beside its description. */
export interface LeafInfo {
  readonly kind: LeafKind;
  /** As written in YAML; undefined = none. */
  readonly default: unknown;
  readonly required: boolean;
  /** Never printed; can come from `<key>_file`. */
  readonly secret: boolean;
  readonly example: unknown;
  /** Range or words, for the docs. */
  readonly allowed: string | undefined;
}

/** Every leaf of the schema, by schema instance. */
export const leaves = z.registry<LeafInfo>();

interface LeafSpec {
  /** Meaning, unit and limits, as a sentence for the docs. */
  readonly meaning: string;
  /** As written in YAML. Absent = required, unless `optional`. */
  readonly default?: unknown;
  readonly optional?: boolean;
  readonly secret?: boolean;
  readonly example?: unknown;
  readonly allowed?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** A string in which `${VAR}` will be expanded is right for every schema. */
export const VARIABLE_IN_TEXT = '\\$\\{';

export function orVariable(json: Json): Json {
  return { anyOf: [json, { type: 'string', pattern: VARIABLE_IN_TEXT }] };
}

function matching(pattern: string): Json {
  return { type: 'string', pattern: `${pattern}|${VARIABLE_IN_TEXT}` };
}

/** One value. `parse` sees what stands in the tree (text when it came from a variable) and returns it parsed. */
export function leaf<T>(
  spec: LeafSpec & { kind: LeafKind; json: Json },
  parse: (value: unknown) => T | Refused,
): z.ZodMiniType<T> {
  const parsed = z.pipe(
    z.unknown(),
    z.transform((value, context): T => {
      const result = parseGiven(value);
      if (!(result instanceof Refused)) return result;
      const { message } = result.refusal;
      context.issues.push({ code: 'custom', input: value, message, params: { ...result.refusal } });
      return z.NEVER;
    }),
  );
  const parseGiven = (value: unknown) => {
    if (value === undefined) return refuseSilently(`is required${exampleClause(spec.example)}`);
    if (value === null) return refuseSilently('has no value; give it one, or delete the key');
    return parse(value);
  };
  return described(parsed, spec);
}

function exampleClause(example: unknown): string {
  return example === undefined ? '' : `; for example ${JSON.stringify(example)}`;
}

/** Adds what docs, JSON Schema and masking need. */
export function described<T>(
  parsed: z.ZodMiniType<T>,
  spec: LeafSpec & { kind: LeafKind; json: Json },
): z.ZodMiniType<T> {
  const info = {
    kind: spec.kind,
    default: spec.default,
    required: spec.default === undefined && spec.optional !== true,
    secret: spec.secret ?? false,
    example: spec.example,
    allowed: spec.allowed,
  };
  const schema = spec.default === undefined ? parsed : z.prefault(parsed, spec.default);
  return schema.register(z.globalRegistry, { description: spec.meaning, ...spec.json }).register(leaves, info);
}

/** A value that may be absent: T or undefined. */
export function optional<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T | undefined> {
  const info = leaves.get(schema);
  const absent = z.optional(schema).register(z.globalRegistry, z.globalRegistry.get(schema) ?? {});
  return info === undefined ? absent : absent.register(leaves, { ...info, required: false });
}

/** The text of a single value, to guess what was meant by it; empty for a list or map. */
function wordOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** `write "30s"`, when there is a guess and it is allowed. */
function writeClause(guess: number | undefined, { min, max }: Range, format: (guess: number) => string) {
  return guess === undefined || guess < min || guess > max ? undefined : `write "${format(guess)}"`;
}

/** What YAML 1.1 and other config languages take for a boolean. */
const TRUE_WORDS = ['true', 'yes', 'on', 'y', '1'];
const FALSE_WORDS = ['false', 'no', 'off', 'n', '0'];

/** true or false; the same words as text, as variables bring them. */
export function boolean(spec: LeafSpec): z.ZodMiniType<boolean> {
  const json = { anyOf: [{ type: 'boolean' }, matching('^(true|false)$')] };
  return leaf({ ...spec, kind: 'boolean', json }, (value) => {
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === 'false') return value === 'true';
    const word = wordOf(value).toLowerCase();
    const meant = TRUE_WORDS.includes(word) ? 'write true' : FALSE_WORDS.includes(word) ? 'write false' : undefined;
    return refuse('expected true or false', value, meant);
  });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A number, or the same as text. */
export function number(spec: LeafSpec & Range & { kind: 'integer' | 'number' }): z.ZodMiniType<number> {
  const json = orVariable({ type: spec.kind, minimum: spec.min, maximum: spec.max });
  const article = spec.kind === 'integer' ? 'a whole number' : 'a number';
  const allowed = `${spec.min} to ${spec.max}`;
  return leaf({ ...spec, json, allowed }, (value) => {
    const count = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    const fits = typeof count === 'number' && count >= spec.min && count <= spec.max;
    if (fits && (spec.kind === 'number' || Number.isInteger(count))) return count;
    return refuse(`expected ${article} from ${allowed}`, value);
  });
}

/** Milliseconds out of "10s", "1m30s", "250ms". */
export function duration(spec: LeafSpec & Range): z.ZodMiniType<number> {
  // Without a look-ahead, which Helm's expressions do not have.
  const json = matching(
    '^(\\d+d(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?|\\d+h(\\d+m)?(\\d+s)?(\\d+ms)?|\\d+m(\\d+s)?(\\d+ms)?|\\d+s(\\d+ms)?|\\d+ms)$',
  );
  const allowed = `${formatDuration(spec.min)} to ${formatDuration(spec.max)}`;
  return leaf({ ...spec, kind: 'duration', json, allowed }, (value) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) {
      const cure = writeClause(guessDuration(wordOf(value)), spec, formatDuration);
      return refuse(`expected a duration such as "10s", "1m30s" or "250ms"`, value, cure);
    }
    return ms >= spec.min && ms <= spec.max ? ms : refuse(`expected a duration from ${allowed}`, value);
  });
}

/** Bytes out of "4MB" (10^6) or "4MiB" (2^20). */
export function size(spec: LeafSpec & Range): z.ZodMiniType<number> {
  const json = { anyOf: [{ const: 0 }, matching('^\\d+(B|kB|KB|MB|GB|KiB|MiB|GiB)$')] };
  const allowed = `${formatSize(spec.min)} to ${formatSize(spec.max)}`;
  return leaf({ ...spec, kind: 'size', json, allowed }, (value) => {
    // Zero needs no unit: "0 = off" is how it is documented.
    const bytes = value === 0 || value === '0' ? 0 : typeof value === 'string' ? parseSize(value) : undefined;
    if (bytes === undefined) {
      const cure = writeClause(guessSize(wordOf(value)), spec, formatSize);
      return refuse('expected a size with a unit, such as "4MB" (10^6) or "4MiB" (2^20)', value, cure);
    }
    return bytes >= spec.min && bytes <= spec.max ? bytes : refuse(`expected a size from ${allowed}`, value);
  });
}

/** One word of a closed list. */
export function oneOf<const T extends string>(words: readonly T[], spec: LeafSpec): z.ZodMiniType<T> {
  const json = orVariable({ enum: words });
  const quoted = words.map((word) => JSON.stringify(word));
  const choices = words.length > 2 ? `one of ${quoted.join(', ')}` : quoted.join(' or ');
  return leaf({ ...spec, kind: 'string', json, allowed: quoted.join(', ') }, (value) => {
    // `min_version: 1.2` without quotes is a number in YAML.
    const text = typeof value === 'number' ? String(value) : value;
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    // DEBUG is debug, and WARNING is warn.
    const meant = words.find((word) => word !== '' && wordOf(value).toLowerCase().startsWith(word.toLowerCase()));
    return refuse(`expected ${choices}`, value, meant === undefined ? undefined : `write ${meant}`);
  });
}

/** Text, any but empty unless `allowEmpty`. */
export function text(spec: LeafSpec & { allowEmpty?: boolean }): z.ZodMiniType<string> {
  return leaf({ ...spec, kind: 'string', json: { type: 'string' } }, (value) => {
    const wanted = 'expected a text; put it in quotes';
    if (typeof value !== 'string') return spec.secret === true ? refuseSilently(wanted) : refuse(wanted, value);
    return value !== '' || spec.allowEmpty === true ? value : refuseSilently(`is empty${exampleClause(spec.example)}`);
  });
}

/** A list without duplicates. */
export function list<T>(item: z.ZodMiniType<T>, spec: LeafSpec & { nonEmpty?: string }): z.ZodMiniType<T[]> {
  const items = z.array(item).check(({ value: values, issues }) => {
    if (values.length === 0 && spec.nonEmpty !== undefined) {
      issues.push({ code: 'custom', input: values, message: `is empty; ${spec.nonEmpty}` });
    }
    values.forEach((value, index) => {
      if (typeof value !== 'string' || values.indexOf(value) === index) return;
      const message = `stands twice in the list (also as item ${values.indexOf(value) + 1}); delete one`;
      issues.push({ code: 'custom', input: value, message, path: [index] });
    });
  });
  return described(items, { ...spec, kind: 'list', json: {} });
}

/** A map with fixed keys. Absent and empty (`cors:` with every line below commented out) mean all defaults. */
export function section<S extends z.core.$ZodLooseShape>(meaning: string, shape: S) {
  const given = z.transform((value) => value ?? {});
  return z.pipe(given, z.strictObject(shape)).register(z.globalRegistry, { description: meaning });
}

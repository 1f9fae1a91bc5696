/** YAML paths and values as problems show them. */

/** Map keys and list positions from the root. */
export type Path = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z0-9_-]+$/;
const LONGEST_SHOWN = 80;

/** `['idp', 'additional_issuers', 0]` → `idp.additional_issuers[0]`; an odd key is quoted: `backend["a b"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!PLAIN_KEY.test(step)) return `${text}[${quote(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** A value that is no secret, for "got …". Text with an "@" may be a URL with a password and is not shown. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'string') return 'a map of keys';
  if (value.includes('@')) return 'a text with an "@" (not shown, it could hold a password)';
  return quote(value);
}

/** One line whatever stands in the text: quotes, control characters and line ends are escaped, long text is cut. */
export function quote(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  // What JSON lets stand and a terminal may obey or a log reader take for a line end: DEL, C1, line separators.
  return JSON.stringify(cut).replaceAll(/[\x7f-\x9f\u2028\u2029]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A path with its list positions as `[]`, as the catalogue of the schema names places. */
export function formatPattern(path: Path): string {
  return path.map((step) => (typeof step === 'number' ? '[]' : step)).join('.');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a path; undefined when there is nothing. Own keys only. */
export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, step) => {
    if (Array.isArray(node)) return typeof step === 'number' ? node[step] : undefined;
    return isRecord(node) && Object.hasOwn(node, step) ? node[step] : undefined;
  }, tree);
}

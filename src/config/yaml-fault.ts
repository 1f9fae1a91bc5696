/** Text that is not YAML: where a person would point, and the cure. The parser says where it noticed. YAML 1.2 §7.3.1, §7.4. */
import { type Document, isCollection, isScalar, visit, type YAMLError } from 'yaml';

export interface YamlFault {
  readonly offset: number;
  readonly cure: string;
}

/** What the parser's messages leave unsaid, or would say with a piece of the file in it. */
const CURES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias must follow its anchor and be alone on its place',
  BAD_DQ_ESCAPE: 'unknown escape sequence in a text in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'this character cannot begin a value; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on the line, or wrong indentation; put a value that contains ": " in quotes',
  KEY_OVER_1024_CHARS: 'the key is too long; is a ":" or a quote missing?',
  MISSING_CHAR: 'something is missing: a ":" after the key, or a closing quote',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is the indentation right?',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab; indent with spaces',
  TAG_RESOLVE_FAILED: 'tags (!name) are not supported; write the plain value',
  UNEXPECTED_TOKEN:
    'not expected here; is a quote, a bracket or the indentation wrong? Put ${VAR} inside { } or [ ] in quotes',
};

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '"': '"', "'": "'" };

/** Blank lines and comments. */
const NOTHING = /(?:[ \t]*(?:#.*)?\r?\n)*/y;

/** One slip makes the parser stumble several times: the first is where to look. */
export function findFault(document: Document.Parsed, text: string): YamlFault | undefined {
  const [first, second] = [...document.errors, ...document.warnings];
  if (first === undefined) return undefined;
  const offset = findOpening(document, text, first) ?? findSlip(text, first, second);
  return { offset, cure: CURES[first.code] ?? 'cannot be read' };
}

function findSlip(text: string, { code, pos }: YAMLError, second: YAMLError | undefined): number {
  // Lines that are indented below a value are read as more of it, up to the ":" that it cannot have.
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && second?.code === 'MULTILINE_IMPLICIT_KEY') return second.pos[1];
  return code === 'BAD_INDENT' ? skipNothing(text, pos[0]) : pos[0];
}

/** What is not closed is noticed lines below, often at the end of the text. */
function findOpening(document: Document.Parsed, text: string, { code, pos }: YAMLError): number | undefined {
  if (code !== 'BAD_INDENT' && code !== 'MISSING_CHAR') return undefined;
  let opening: number | undefined;
  visit(document, (_key, node) => {
    const isEnclosed = isScalar(node) || (isCollection(node) && node.flow === true);
    if (!isEnclosed || !node.range) return;
    const [start, end] = node.range;
    if (start > pos[0] || !isOpen(text.slice(start, end))) return;
    opening = start;
    return visit.BREAK;
  });
  return opening;
}

function isOpen(source: string): boolean {
  const closing = CLOSING[source.charAt(0)];
  return closing !== undefined && (source.length === 1 || !source.endsWith(closing));
}

function skipNothing(text: string, offset: number): number {
  NOTHING.lastIndex = offset;
  return NOTHING.test(text) ? NOTHING.lastIndex : offset;
}

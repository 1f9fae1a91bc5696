/** Writes docs/configuration.md: prose, and one table for each section, made from the schema. `node scripts/write-configuration-docs.ts` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isScalar, LEAVES, type Leaf, LIST_ITEM, SECTION_NAMES, SECTIONS } from '../src/config/catalogue.ts';
import { BEFORE_TABLES } from './configuration-prose.ts';

export const CONFIGURATION_DOCS = join(import.meta.dirname, '../docs/configuration.md');

const HEAD = ['key', 'type', 'default', 'meaning'] as const;

/** The whole document. */
export function renderConfigurationDocs(): string {
  const tables = SECTION_NAMES.map((name) => {
    const section = SECTIONS.find(({ path }) => path.join('.') === name);
    if (section === undefined) return renderMap(name);
    const { meaning } = section;
    const table = renderTable([HEAD, ...LEAVES.filter((leaf) => leaf.path[0] === name).map(renderRow)]);
    const nested = SECTIONS.filter((section) => section.path[0] === name && section.path.length > 1)
      .map((section) => `- \`${formatKey(section.path)}\`: ${section.meaning}`)
      .filter((line) => !line.endsWith(': '));
    return [`### ${name}`, '', meaning, '', table, ...(nested.length > 0 ? ['', ...nested] : []), ''].join('\n');
  });
  return `${BEFORE_TABLES}\n${tables.join('\n')}`;
}

/** A section whose keys are the owner's to choose. */
function renderMap(name: string): string {
  const leaf = LEAVES.find(({ path }) => path.join('.') === name);
  return [`### ${name}`, '', leaf?.meaning ?? '', ''].join('\n');
}

function renderRow(leaf: Leaf): readonly string[] {
  const variable = isScalar(leaf) ? `<br>\`${leaf.variable}\`` : '';
  const key = `\`${formatKey(leaf.path)}\`${variable}`;
  return [key, formatType(leaf), formatDefault(leaf), leaf.meaning.replaceAll('|', '\\|')];
}

/** Columns padded to one width, as the formatter of this repository wants Markdown. */
function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function formatKey(path: readonly string[]): string {
  return path.join('.').replaceAll(`.${LIST_ITEM}`, LIST_ITEM);
}

function formatType({ info }: Leaf): string {
  const type = info.secret ? `${info.kind}, _secret_` : info.kind;
  return info.allowed === undefined ? type : `${type}<br>${info.allowed}`;
}

function formatDefault({ info }: Leaf): string {
  if (info.required) return '**required**';
  if (info.default === undefined) return '_none_';
  if (Array.isArray(info.default)) return `\`[${info.default.join(', ')}]\``;
  return `\`${JSON.stringify(info.default)}\``;
}

if (import.meta.main) writeFileSync(CONFIGURATION_DOCS, renderConfigurationDocs());

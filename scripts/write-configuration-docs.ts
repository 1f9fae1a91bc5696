/** Writes docs/configuration.md: prose, and one table for each section, made from the schema. `node scripts/write-configuration-docs.ts` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isScalar, LEAVES, type Leaf, LIST_ITEM, SECTIONS } from '../src/config/catalogue.ts';
import { UNAVAILABLE_NOTES } from '../src/config/unavailable.ts';
import { BEFORE_TABLES } from './configuration-prose.ts';

export const CONFIGURATION_DOCS = join(import.meta.dirname, '../docs/configuration.md');

/** The whole document. */
export function renderConfigurationDocs(): string {
  const topLevel = SECTIONS.filter(({ path }) => path.length === 1);
  const tables = topLevel.map(({ path, meaning }) => {
    const [name = ''] = path;
    const rows = LEAVES.filter((leaf) => leaf.path[0] === name).map(renderRow);
    const nested = SECTIONS.filter((section) => section.path[0] === name && section.path.length > 1)
      .map((section) => `- \`${formatKey(section.path)}\`: ${section.meaning}`)
      .filter((line) => !line.endsWith(': '));
    const head = ['| key | type | default | meaning |', '|---|---|---|---|'];
    const note = UNAVAILABLE_NOTES[name];
    return [
      `### ${name}`,
      '',
      meaning,
      '',
      ...(note === undefined ? [] : [note, '']),
      ...head,
      ...rows,
      ...(nested.length > 0 ? ['', ...nested] : []),
      '',
    ].join('\n');
  });
  return `${BEFORE_TABLES}\n${tables.join('\n')}`;
}

function renderRow(leaf: Leaf): string {
  const variable = isScalar(leaf) ? `<br>\`${leaf.variable}\`` : '';
  const meaning = leaf.meaning.replaceAll('|', '\\|');
  return `| \`${formatKey(leaf.path)}\`${variable} | ${formatType(leaf)} | ${formatDefault(leaf)} | ${meaning} |`;
}

function formatKey(path: readonly string[]): string {
  return path.join('.').replaceAll(`.${LIST_ITEM}`, LIST_ITEM);
}

function formatType({ info }: Leaf): string {
  const type = info.secret ? `${info.kind}, *secret*` : info.kind;
  return info.allowed === undefined ? type : `${type}<br>${info.allowed}`;
}

function formatDefault({ info }: Leaf): string {
  if (info.required) return '**required**';
  if (info.default === undefined) return '*none*';
  if (Array.isArray(info.default)) return `\`[${info.default.join(', ')}]\``;
  return `\`${JSON.stringify(info.default)}\``;
}

if (import.meta.main) writeFileSync(CONFIGURATION_DOCS, renderConfigurationDocs());

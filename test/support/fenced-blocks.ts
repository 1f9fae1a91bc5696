/** The fenced code blocks of a page of the documentation. CommonMark §4.5, as far as our pages use it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FencedBlock {
  /** `docs/page.md:12`, the line of the opening fence. */
  readonly place: string;
  /** First word after the fence. */
  readonly language: string;
  /** What follows it on that line: for a test, what to do with the block. Readers never see it. */
  readonly note: string;
  /** The heading that it stands under. */
  readonly heading: string;
  /** Without the indentation of the fence. */
  readonly text: string;
}

const ROOT = join(import.meta.dirname, '../..');
const FENCE = /^([ \t]*)```(\S*) *(.*)$/;

/** `page` is a path from the root of the repository. */
export function readFencedBlocks(page: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let heading = '';
  let open: (Omit<FencedBlock, 'text'> & { readonly indent: string; readonly lines: string[] }) | undefined;
  for (const [index, line] of readFileSync(join(ROOT, page), 'utf8').split('\n').entries()) {
    const [isFence, indent = '', language = '', note = ''] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      heading = /^#{1,6} (.*)$/.exec(line)?.[1] ?? heading;
      if (isFence !== undefined) open = { place: `${page}:${index + 1}`, language, note, heading, indent, lines: [] };
    } else if (isFence === undefined) {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    } else {
      const { indent: _, lines, ...block } = open;
      blocks.push({ ...block, text: lines.map((text) => `${text}\n`).join('') });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${open.place}: the block is never closed`);
  return blocks;
}

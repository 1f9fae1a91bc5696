/** A page as its readers have it: fields by name, text as a person sees it. */
import type { Page } from '../../../../src/login/pages/page.ts';

export function fieldOf(page: Page, name: string): string | undefined {
  const index = page.fields.findIndex((field, position) => position % 2 === 0 && field === name);
  return index < 0 ? undefined : page.fields[index + 1];
}

const ENTITIES = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&#39;', "'"],
  ['&#96;', '`'],
  ['&amp;', '&'],
]);

/** The text of the body, a line for each block that has some. */
export function textOf(page: Page): string {
  const body = page.body.replace(/^[\s\S]*<body>/, '');
  return body
    .replace(/<\/?(h1|p|div|dl|dt|dd|ul|li|form|label|button|header|main|footer)\b[^>]*>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&[#a-z0-9]+;/g, (entity) => ENTITIES.get(entity) ?? entity)
    .replace(/ *\n\s*/g, '\n')
    .trim();
}

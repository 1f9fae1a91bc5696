/** Answers a preflight, and says in the log what it refuses: the browser tells its page nothing of it. Fetch §4.8. */
import type { RequestLife } from './request-life.ts';
import { respondWith } from './respond.ts';

/** A client chooses names, their number and their length. */
const MOST_NAMES = 10;
const LONGEST_NAME = 64;

export function respondPreflight(life: RequestLife): void {
  const { fields, refusedNames } = life.service.cors.preflight(life.exchange.head);
  if (refusedNames.length > 0 && life.service.accessLog !== 'off') {
    life.log.info('preflight_fields_refused', {
      request_id: life.requestId,
      fields: refusedNames.slice(0, MOST_NAMES).map(escapeName),
      more: Math.max(0, refusedNames.length - MOST_NAMES),
    });
  }
  respondWith(life, 204, { fields, body: '' });
}

/** Percent-encodes what no field name has. */
function escapeName(name: string): string {
  const shown = name.slice(0, LONGEST_NAME);
  return shown.replace(
    /[^\x21-\x7e]/g,
    (latin1) => `%${latin1.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

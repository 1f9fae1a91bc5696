/** How often strangers and clients may ask the authorization server. RFC 6585 §4. */
import { number, section } from '../leaf.ts';

function aMinute(spec: { readonly default: number; readonly meaning: string }) {
  return number({ kind: 'integer', min: 1, max: 1_000_000, ...spec });
}

export const rateLimit = section('How often `/oauth/*` may be asked; beyond it 429 with `Retry-After`.', {
  beginnings_per_minute: aMinute({
    default: 60,
    meaning:
      'Registrations and authorization requests of one address (IPv6: a /64; a /48 may have four times as many).',
  }),
  pages_per_minute: aMinute({
    default: 240,
    meaning: 'Its requests for the consent page, its answers to it, and its returns from the IdP.',
  }),
  refreshes_per_minute: aMinute({
    default: 60,
    meaning:
      'Refreshes of one login, which is one client of one person. Not of one client: its id is no secret, so that strangers could ' +
      'use up the rate of everybody who has it.',
  }),
});

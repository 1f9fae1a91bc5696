/** `/health`: the process answers. Says nothing of the backend, so that an outage there never restarts Obex. */
import type { Respond } from '../endpoint.ts';
import { respondWith } from '../respond.ts';

export const respondHealth: Respond = (life) =>
  respondWith(life, 200, { fields: JSON_FIELDS, body: '{"status":"ok"}' });

/** Probes must see the present state, not a cached one. */
export const JSON_FIELDS = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'] as const;

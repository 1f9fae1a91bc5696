/** Rules between the values of `admin`, and between it and other listeners. */
import type { Draft } from './draft.ts';
import { formatListen, type ListenAddress } from './listen.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';

const { shape } = sections;
const admin = shape.admin.def.out.shape;
const LISTEN = ['admin', 'listen'];
const TOKEN = ['admin', 'token'];

export function checkAdmin(draft: Draft): void {
  const listen = read(draft, LISTEN, admin.listen);
  const hasToken = draft.valueAt(TOKEN) !== undefined;
  if (draft.isAtFault(LISTEN) || draft.isAtFault(TOKEN)) return;
  if (hasToken && (listen === undefined || 'path' in listen)) {
    const cure =
      listen === undefined ? 'set that, or delete it' : 'a unix socket is kept by its permissions; delete it';
    return draft.report(TOKEN, `is for a port of loopback in admin.listen: ${cure}`);
  }
  if (listen === undefined) return;
  if ('port' in listen && !hasToken) {
    const cure = 'or token_file, or write a unix path in admin.listen';
    draft.report(
      TOKEN,
      `is required with a port in admin.listen, which every user of the machine can reach; give it, ${cure}`,
    );
  }
  for (const [key, other] of othersOf(draft)) {
    if (other !== undefined && isSame(listen, other)) draft.report(LISTEN, `is taken by ${key}; choose another`);
  }
}

function othersOf(draft: Draft): readonly (readonly [key: string, address: ListenAddress | undefined])[] {
  return [
    ['obex.listen', read(draft, ['obex', 'listen'], shape.obex.def.out.shape.listen)],
    ['metrics.listen', read(draft, ['metrics', 'listen'], shape.metrics.def.out.shape.listen)],
  ];
}

const ANY_HOST = [undefined, '0.0.0.0', '::'];

function isSame(one: ListenAddress, other: ListenAddress): boolean {
  if ('path' in one || 'path' in other) return formatListen(one) === formatListen(other);
  return one.port === other.port && (ANY_HOST.includes(other.host) || one.host === other.host);
}

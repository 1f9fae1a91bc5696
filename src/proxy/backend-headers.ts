/** The head that the backend gets: written by Obex, with the client's harmless fields in it. RFC 9110 §7.6. */
import { foldName } from '../lib/fold-name.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { isNeverForwarded } from './field-names.ts';
import { connectionOptions } from './hop-by-hop.ts';

export interface BackendHeaderOptions {
  /** `Host` for the backend. */
  readonly backendAuthority: string;
  /** Scheme and authority that clients use, for X-Forwarded-Proto and -Host. */
  readonly publicUrl: URL;
  /** `backend.headers` as alternating name, value; they replace the client's. */
  readonly staticFields: FieldLines;
}

/** What only this request knows. */
export interface Vouched {
  readonly identityFields: FieldLines;
  readonly requestId: string;
  /** "" on a unix socket. */
  readonly clientAddress: string;
}

export type FormatBackendFields = (clientFields: FieldLines, vouched: Vouched) => FieldLines;

/** Names seen before; bounded, so that a client that invents names cannot make it grow. */
const MAX_KNOWN_NAMES = 1000;

export function createBackendHeaders(options: BackendHeaderOptions): FormatBackendFields {
  const replaced = new Set(options.staticFields.filter((_, at) => at % 2 === 0).map(foldName));
  const knownNames = new Map<string, boolean>();

  const isForwarded = (name: string): boolean => {
    const known = knownNames.get(name);
    if (known !== undefined) return known;
    const folded = foldName(name);
    const forwarded = !isNeverForwarded(folded) && !replaced.has(folded);
    if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, forwarded);
    return forwarded;
  };

  const forwardedProto = options.publicUrl.protocol.slice(0, -1);
  const forwardedHost = options.publicUrl.host;

  return (clientFields, vouched) => {
    const fields: string[] = ['Host', options.backendAuthority];
    const perConnection = connectionOptions(clientFields);
    for (let at = 0; at < clientFields.length; at += 2) {
      const name = clientFields[at] ?? '';
      if (!isForwarded(name)) continue;
      if (perConnection.size > 0 && perConnection.has(name.toLowerCase())) continue;
      fields.push(name, clientFields[at + 1] ?? '');
    }
    if (vouched.clientAddress !== '') fields.push('X-Forwarded-For', vouched.clientAddress);
    fields.push('X-Forwarded-Proto', forwardedProto, 'X-Forwarded-Host', forwardedHost);
    fields.push(...vouched.identityFields, 'X-Obex-Request-ID', vouched.requestId, ...options.staticFields);
    return fields;
  };
}

/** The head that the backend gets: written by Obex, with the client's harmless fields in it. RFC 9110 §7.6. */
import { foldName } from '../lib/fold-name.ts';
import type { BackendRequest } from '../wire/backend.ts';
import type { FieldLines, ReceivedProtocol } from '../wire/exchange.ts';
import { formatFieldLines } from '../wire/http1/format-head.ts';
import { isNeverForwarded, rememberByName } from './field-names.ts';
import { connectionOptions } from './hop-by-hop.ts';

export interface BackendHeaderOptions {
  /** `Host` for the backend. */
  readonly backendHost: string;
  /** Scheme and authority that clients use, for X-Forwarded-Proto and -Host. */
  readonly publicUrl: URL;
  /** `backend.headers` as alternating name, value; they replace the client's. */
  readonly staticFields: FieldLines;
  /** `backend.strip_headers`: more names of clients that do not go on. */
  readonly strippedNames: readonly string[];
  /** How Obex is called in Via. */
  readonly viaPseudonym: string;
}

/** What only this request knows. */
export interface Vouched {
  readonly identityFields: FieldLines;
  readonly requestId: string;
  readonly receivedProtocol: ReceivedProtocol;
  /** "" on a unix socket. */
  readonly clientAddress: string;
}

export type BackendFields = Pick<BackendRequest, 'fields' | 'commonLines'>;
export type FormatBackendFields = (clientFields: FieldLines, vouched: Vouched) => BackendFields;

export function createBackendHeaders(options: BackendHeaderOptions): FormatBackendFields {
  const replacedNames = options.staticFields.filter((_, at) => at % 2 === 0);
  const withheld = new Set([...replacedNames, ...options.strippedNames].map(foldName));
  const isForwarded = rememberByName((name) => {
    const folded = foldName(name);
    return !isNeverForwarded(folded) && !withheld.has(folded);
  });
  const { protocol, host } = options.publicUrl;
  const forwarded = ['X-Forwarded-Proto', protocol.slice(0, -1), 'X-Forwarded-Host', host];
  /** By the protocol, and the fields of a token, which stay the same array as long as the token is known. */
  const commonLines: Readonly<Record<ReceivedProtocol, WeakMap<FieldLines, string>>> = {
    '1.0': new WeakMap(),
    '1.1': new WeakMap(),
    '2': new WeakMap(),
  };

  const formatCommonLines = ({ identityFields, receivedProtocol }: Vouched): string => {
    const known = commonLines[receivedProtocol].get(identityFields);
    if (known !== undefined) return known;
    // RFC 9110 §7.6.3: one more member of the list, behind those of the client.
    const via = ['Via', `${receivedProtocol} ${options.viaPseudonym}`];
    const lines = formatFieldLines([...via, ...forwarded, ...identityFields, ...options.staticFields]);
    commonLines[receivedProtocol].set(identityFields, lines);
    return lines;
  };

  return (clientFields, vouched) => {
    const fields: string[] = ['Host', options.backendHost];
    const perConnection = connectionOptions(clientFields);
    for (let at = 0; at < clientFields.length; at += 2) {
      const name = clientFields[at] ?? '';
      if (!isForwarded(name)) continue;
      if (perConnection.size > 0 && perConnection.has(name.toLowerCase())) continue;
      fields.push(name, clientFields[at + 1] ?? '');
    }
    if (vouched.clientAddress !== '') fields.push('X-Forwarded-For', vouched.clientAddress);
    fields.push('X-Obex-Request-ID', vouched.requestId);
    return { fields, commonLines: formatCommonLines(vouched) };
  };
}

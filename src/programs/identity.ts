/** On whose behalf a request comes: the X-Obex-* fields of the threads that serve. RFC 3986 §2.1. */
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

export interface ProgramIdentity {
  /** Issuer, subject and client: whose a session is. */
  readonly principalKey: string;
  /** Issuer and subject, who may have many clients: whose share is used. That of the client for a token without a subject. */
  readonly subjectKey: string;
  readonly scopes: ReadonlySet<string>;
  /** The same for the same set of scopes, whatever their order. */
  readonly scopesKey: string;
  /** What a program is told of it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Linux takes 128 KiB for name and value (MAX_ARG_STRLEN); no token of ours comes near. */
const MAX_VALUE_BYTES = 64 * 1024;

/** Undefined when an environment cannot hold what they say. */
export function readIdentity(fields: FieldLines): ProgramIdentity | undefined {
  const issuer = single(fields, 'x-obex-issuer');
  const user = single(fields, 'x-obex-user');
  const client = single(fields, 'x-obex-client');
  const scopes = (single(fields, 'x-obex-scopes') ?? '').split(' ').filter((scope) => scope !== '');
  const environment = {
    OBEX_USER: decode(user),
    OBEX_ISSUER: decode(issuer),
    OBEX_CLIENT: decode(client),
    OBEX_SCOPES: decode(scopes.join(' ')),
  };
  if (!Object.values(environment).every(canBeHeld)) return undefined;
  const principalKey = JSON.stringify([issuer ?? null, user ?? null, client ?? null]);
  return {
    principalKey,
    subjectKey: user === undefined ? principalKey : JSON.stringify([issuer ?? null, user]),
    scopes: new Set(scopes),
    scopesKey: scopes.toSorted().join(' '),
    environment,
  };
}

export function hasAll(held: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  return wanted.isSubsetOf(held);
}

function single(fields: FieldLines, name: string): string | undefined {
  return fieldValues(fields, name)[0];
}

/** As `proxy/encode-value.ts` has encoded it. */
function decode(value: string | undefined): string {
  if (value === undefined) return '';
  const bytes = value.replaceAll(/%([0-9A-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

function canBeHeld(value: string): boolean {
  return !value.includes('\0') && Buffer.byteLength(value) <= MAX_VALUE_BYTES;
}

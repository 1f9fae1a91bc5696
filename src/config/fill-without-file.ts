/** What flags leave out that stand in place of a file: a listener on this machine, and the URLs that follow from it. */
import type { Draft } from './draft.ts';
import { isLocalAddress, type ListenAddress } from './listen.ts';
import type { Path } from './path.ts';
import { read } from './read-value.ts';
import { Refused } from './refused.ts';
import { sections } from './schema.ts';
import { parsePublicUrl } from './urls.ts';

const LISTEN = ['obex', 'listen'];
const PUBLIC_URL = ['obex', 'public_url'];
const BACKEND_URL = ['backend', 'url'];
const RESOURCE_URL = ['resource', 'url'];

const obex = sections.shape.obex.def.out.shape;

/** Comes after everything that is written anywhere, and before the defaults of the schema. */
export function fillWithoutFile(draft: Draft): void {
  fill(draft, LISTEN, '127.0.0.1:8443');
  fillPublicUrl(draft);
  const path = pathOfBackend(draft) ?? '/mcp';
  const publicUrl = parsePublicUrl(draft.valueAt(PUBLIC_URL));
  // What is wrong with that one is said of it.
  if (publicUrl instanceof Refused) draft.blame(RESOURCE_URL);
  else fill(draft, RESOURCE_URL, publicUrl.origin + path);
}

function fill(draft: Draft, path: Path, value: string): void {
  if (draft.valueAt(path) !== undefined) return;
  draft.set(path, value);
  draft.noteFilledIn(path, { by: 'default', value });
}

function fillPublicUrl(draft: Draft): void {
  if (draft.valueAt(PUBLIC_URL) !== undefined) return;
  const listen = read(draft, LISTEN, obex.listen);
  // Said of obex.listen.
  if (listen === undefined) return draft.blame(PUBLIC_URL);
  const authority = loopbackAuthority(listen);
  if (authority === undefined) {
    const where = 'is required where obex.listen is no fixed port of loopback';
    const example = '--public-url https://my-tool.example.com';
    return draft.report(PUBLIC_URL, `${where}; name the URL under which clients reach Obex: ${example}`);
  }
  const isTls = read(draft, ['obex', 'tls', 'enabled'], obex.tls.def.out.shape.enabled) === true;
  fill(draft, PUBLIC_URL, `${isTls ? 'https' : 'http'}://${authority}`);
}

/** Undefined where clients of this machine cannot be told in advance how to connect. */
function loopbackAuthority(listen: ListenAddress): string | undefined {
  if ('path' in listen || listen.port === 0 || !isLocalAddress(listen)) return undefined;
  const { host = '', port } = listen;
  // "localhost" is 127.0.0.1 and ::1, and no other address of loopback.
  return `${/^127\.(?!0\.0\.1$)/.test(host) ? host : 'localhost'}:${port}`;
}

/** `http://localhost:9090/mcp` → `/mcp`. */
function pathOfBackend(draft: Draft): string | undefined {
  const url = draft.valueAt(BACKEND_URL);
  return /^https?:\/\/[^/?#]+(\/[^?#\\\s]+)$/i.exec(typeof url === 'string' ? url : '')?.[1];
}

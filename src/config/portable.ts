/** A Config as plain data, which one thread can give to another: the one kind of object in it, a URL, goes as text. */
import type { Config, OneServer } from './schema.ts';

type PortableServer = Omit<OneServer, 'backend'> & {
  readonly backend: Omit<OneServer['backend'], 'url'> & { readonly url: string };
};

export type PortableConfig = Omit<Config, 'obex' | 'servers'> & {
  readonly obex: Omit<Config['obex'], 'public_url'> & { readonly public_url: string };
  readonly servers: readonly [PortableServer, ...PortableServer[]];
};

export function packConfig({ obex, servers: [first, ...others], ...rest }: Config): PortableConfig {
  return {
    ...rest,
    obex: { ...obex, public_url: obex.public_url.href },
    servers: [packServer(first), ...others.map(packServer)],
  };
}

export function unpackConfig({ obex, servers: [first, ...others], ...rest }: PortableConfig): Config {
  return {
    ...rest,
    obex: { ...obex, public_url: new URL(obex.public_url) },
    servers: [unpackServer(first), ...others.map(unpackServer)],
  };
}

function packServer({ backend, ...rest }: OneServer): PortableServer {
  return { ...rest, backend: { ...backend, url: backend.url.href } };
}

function unpackServer({ backend, ...rest }: PortableServer): OneServer {
  return { ...rest, backend: { ...backend, url: new URL(backend.url) } };
}

/** A Config as plain data, which one thread can give to another: the one kind of object in it, a URL, goes as text. */
import type { Config } from './schema.ts';

export type PortableConfig = Omit<Config, 'obex' | 'backend'> & {
  readonly obex: Omit<Config['obex'], 'public_url'> & { readonly public_url: string };
  readonly backend: Omit<Config['backend'], 'url'> & { readonly url: string };
};

export function packConfig({ obex, backend, ...rest }: Config): PortableConfig {
  return {
    ...rest,
    obex: { ...obex, public_url: obex.public_url.href },
    backend: { ...backend, url: backend.url.href },
  };
}

export function unpackConfig({ obex, backend, ...rest }: PortableConfig): Config {
  return {
    ...rest,
    obex: { ...obex, public_url: new URL(obex.public_url) },
    backend: { ...backend, url: new URL(backend.url) },
  };
}

/** The proxy on the way to an IdP, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the environment name it. RFC 9110 §9.3.6. */
import { getProxyForUrl } from 'proxy-from-env';
import { isLoopbackHost } from '../lib/loopback.ts';

/** Undefined = straight to the server, as always for loopback. Throws where the environment names what is no HTTP proxy. */
export function findEgressProxy(url: URL): URL | undefined {
  if (isLoopbackHost(url.hostname)) return undefined;
  const text = getProxyForUrl(url.href);
  if (text === '') return undefined;
  const proxy = URL.parse(withScheme(text, url));
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  throw new Error('the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names is no http:// or https:// URL');
}

/** The library gives a proxy without a scheme that of the target; everybody else reads `proxy:3128` as http. */
function withScheme(proxy: string, { protocol }: URL): string {
  const bare = proxy.replace(/^https:\/\//, '');
  const names = [`${protocol.slice(0, -1)}_proxy`, 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  return bare !== proxy && names.some((name) => process.env[name] === bare) ? `http://${bare}` : proxy;
}

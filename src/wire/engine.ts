/** The engine in use, by the names that the rest knows: a listener, a way to the backend, and one through a proxy. */

export { createBackendPool as createBackendClient } from './http1/backend-pool.ts';
export { listenHttp1 as listen } from './http1/listen.ts';
export { openTunnel } from './http1/tunnel.ts';

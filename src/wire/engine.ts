/** The engine in use, by the names that the rest knows: a listener and a way to the backend. */

export { createBackendPool as createBackendClient } from './http1/backend-pool.ts';
export { listenHttp1 as listen } from './http1/listen.ts';

/** The first engine by the names of `src/wire/engine.ts`, in whose place the bench bundles it. */

export { createBackendClient } from './backend-client.ts';
export { listenHttp as listen } from './server.ts';
export { openTunnel } from '../../src/wire/http1/tunnel.ts';

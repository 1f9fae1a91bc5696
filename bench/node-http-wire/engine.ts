/** The first engine by the names of `src/wire/engine.ts`, in whose place the bench bundles it. */

export { openTunnel } from '../../src/wire/http1/tunnel.ts';
export { createBackendClient } from './backend-client.ts';
export { listenHttp as listen } from './server.ts';

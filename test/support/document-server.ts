/** A site that publishes one document of a client, over TLS on loopback, under a name that only the test knows. */
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { closeServer } from '../../src/demo/loopback.ts';
import type { DocumentSettings } from '../../src/login/server.ts';
import { createCertificate } from './certificate.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { Cleanup } from './obex.ts';

export const DOCUMENT_HOST = 'client.example';

export interface DocumentAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never to come. */
  readonly hangs?: boolean;
}

export interface DocumentServer {
  readonly port: number;
  readonly ca: string;
  /** `host:port`, and the URL of the document there. */
  readonly host: string;
  readonly url: string;
  /** Requests so far. */
  readonly asked: readonly IncomingMessage[];
  /** The addresses at which they came in. */
  readonly reachedAt: readonly (string | undefined)[];
  answer: DocumentAnswer;
  /** How an authorization server of a test gets here. */
  readonly settings: DocumentSettings;
}

export function documentOf(url: string, change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    client_id: url,
    client_name: 'A described client',
    redirect_uris: ['http://127.0.0.1/cb', 'http://localhost/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...change,
  });
}

export async function startDocumentServer(context: Cleanup): Promise<DocumentServer> {
  const certificate = createCertificate('site of a client', DOCUMENT_HOST);
  const asked: IncomingMessage[] = [];
  const reachedAt: (string | undefined)[] = [];
  const server = createServer(certificate, (request, response) => {
    asked.push(request);
    reachedAt.push(request.socket.localAddress);
    const { status = 200, headers = {}, body = documentOf(site.url), hangs = false } = site.answer;
    if (hangs) return;
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
  });
  const port = await listenOnLoopback(server);
  context.after(() => closeServer(server));
  const host = `${DOCUMENT_HOST}:${port}`;
  const site: DocumentServer = {
    port,
    ca: certificate.cert,
    host,
    url: `https://${host}/client.json`,
    asked,
    reachedAt,
    answer: {},
    settings: {
      timeoutMs: 20_000,
      resolve: async () => ['127.0.0.1'],
      isAllowed: () => true,
      ca: certificate.cert,
    },
  };
  return site;
}

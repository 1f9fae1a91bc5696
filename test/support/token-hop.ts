/** Stands before Obex for clients that send no token: adds one to every request and passes everything else on as it comes. */
import { createServer, request as sendRequest } from 'node:http';
import { closeServer } from '../../src/demo/loopback.ts';
import { listenOnLoopback } from './loopback-server.ts';

export interface TokenHop {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1, on any free port, and passes on to `targetPort` there. */
export async function startTokenHop(targetPort: number, accessToken: string): Promise<TokenHop> {
  const server = createServer((request, response) => {
    const { method, url: path } = request;
    const headers = [...request.rawHeaders, 'Authorization', `Bearer ${accessToken}`];
    const options = { host: '127.0.0.1', port: targetPort, method, path, headers, setHost: false };
    const onward = sendRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    stop: () => closeServer(server),
  };
}

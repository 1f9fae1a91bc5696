/** An exchange that is nothing but a head and a peer, for policies that look at no more. */
import type { Exchange, FieldLines, RequestHead } from '../../../src/wire/exchange.ts';

export function requestHead(fields: FieldLines = [], override: Partial<RequestHead> = {}): RequestHead {
  return { method: 'GET', target: '/mcp', authority: 'tool.example.com', fields, ...override };
}

export function exchangeFrom(peerAddress: string, fields: FieldLines = []): Exchange {
  return {
    head: requestHead(fields),
    body: { length: 0, deliverTo: (sink) => sink.end() },
    receivedProtocol: '1.1',
    peerAddress,
    overloaded: false,
    clientCertificate: { absence: 'none' },
    inform: () => undefined,
    respond: () => {
      throw new Error('nobody answers here');
    },
    owner: undefined,
    bytesSent: 0,
    responded: false,
  };
}

/** A TCP relay between Obex and a backend that keeps every byte: what the backend was told, and nothing else counts. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { listenOnLoopback } from './loopback-server.ts';

export interface RecordingHop {
  readonly port: number;
  /** What has come from the client's side so far, one text (latin1: a character a byte) for each connection. */
  received(): readonly string[];
  /** Forgets what was received; connections stay open. */
  clear(): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1 and relays every connection to the port there; a connection refused there ends here. */
export async function startRecordingHop(backendPort: number | (() => number)): Promise<RecordingHop> {
  const sockets = new Set<Socket>();
  const recordings: { text: string }[] = [];
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const recording = { text: '' };
    recordings.push(recording);
    const backend = connect({
      port: typeof backendPort === 'number' ? backendPort : backendPort(),
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    for (const socket of [client, backend]) sockets.add(socket.once('close', () => sockets.delete(socket)));
    client.on('error', () => backend.destroy()).once('close', () => backend.destroy());
    backend.on('error', () => client.destroy()).once('close', () => client.destroy());
    // Recorded before it is passed on, so the record is complete when the backend answers.
    client.on('data', (bytes) => (recording.text += bytes.toString('latin1')));
    client.pipe(backend);
    backend.pipe(client);
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    received: () => recordings.map(({ text }) => text).filter((text) => text !== ''),
    clear: () => {
      for (const recording of recordings) recording.text = '';
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One keep-alive connection of a load program, with at most one request on it. */
import { connect, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Called with each answer; from then on the connection is free. */
export type OnAnswer = (connection: Connection, isRefused: boolean) => void;

export async function openConnection(address: Address, onAnswer: OnAnswer): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(address, resolve);
  socket.once('error', reject);
  await promise;
  return new Connection(socket, onAnswer);
}

export class Connection {
  readonly #socket: Socket;
  readonly #onAnswer: OnAnswer;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, onAnswer: OnAnswer) {
    this.#socket = socket;
    this.#onAnswer = onAnswer;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => {
      throw new Error('the server closed a connection');
    });
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error(`the answer has no Content-Length: ${head}`);
    if (this.#received.length < headEnd + 4 + length) return;
    this.#received = Buffer.alloc(0);
    this.#onAnswer(this, !head.startsWith('HTTP/1.1 200'));
  }
}

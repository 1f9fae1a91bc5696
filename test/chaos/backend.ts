/** A backend that does to each request what its query says, and then is what all backends are one day: broken, slow, early or rude. */
import { createServer, type Socket } from 'node:net';
import { listenOnLoopback } from '../support/loopback-server.ts';
import { BEHAVIOURS, type Behaviour } from './behaviours.ts';

const BY_NAME: ReadonlyMap<string, Behaviour> = new Map(BEHAVIOURS.map((behaviour) => [behaviour.name, behaviour]));
const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export class ChaosBackend {
  port = 0;
  /** Told the path of each request that comes. */
  onRequest: (path: string) => void = () => undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server);
  }

  stop(): void {
    this.#server.close();
    this.dropAll();
  }

  /** Ends every connection, as a restart would. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    let request = new Incoming();
    let behaviour: Behaviour | undefined;
    let isActing = false;
    const next = (): void => {
      request = new Incoming();
      behaviour = undefined;
      isActing = false;
    };
    socket.on('data', (chunk: Buffer) => {
      if (isActing) return;
      const head = request.push(chunk);
      if (head === undefined) return;
      behaviour ??= this.#choose(head);
      if (behaviour.waits && !request.isWhole) return;
      isActing = true;
      behaviour.act(socket, next);
    });
  }

  #choose(head: string): Behaviour {
    const [, target = ''] = head.split(' ', 2);
    const url = new URL(target, 'http://backend');
    this.onRequest(url.pathname);
    const behaviour = BY_NAME.get(url.searchParams.get('b') ?? '');
    if (behaviour === undefined) throw new Error(`no behaviour for ${target}`);
    return behaviour;
  }
}

/** A request on its way in, of which only the head is kept: bodies are many and large. */
class Incoming {
  #unread: Buffer = Buffer.alloc(0);
  #head: string | undefined;
  #bodyBytes = 0;

  /** The head, once it is here. */
  push(chunk: Buffer): string | undefined {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    const headEnd = this.#unread.indexOf(HEAD_END);
    if (this.#head === undefined && headEnd >= 0) {
      this.#head = this.#unread.toString('latin1', 0, headEnd);
      this.#bodyBytes = this.#unread.length - headEnd - HEAD_END.length;
    } else if (this.#head !== undefined) this.#bodyBytes += chunk.length;
    if (this.#head !== undefined) this.#unread = this.#unread.subarray(-LAST_CHUNK.length);
    return this.#head;
  }

  get isWhole(): boolean {
    const head = this.#head ?? '';
    if (/^transfer-encoding:/im.test(head)) return this.#unread.equals(LAST_CHUNK);
    return this.#bodyBytes >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  }
}

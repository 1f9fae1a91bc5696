/** What the backend of a chaos run may do to a request, and what a client that waits must see of it. RFC 9112 §8, §9. */
import type { Socket } from 'node:net';

/** How an answer ends for a client that waits: `endless` does not. */
export type Ending = 'whole' | 'cut' | 'endless';

export interface Behaviour {
  readonly name: string;
  /** For the whole request, or only for its head. */
  readonly waits: boolean;
  /** Statuses that a client may be answered, and how these answers end. */
  readonly answers: Readonly<Record<number, Ending>>;
  /** `next` = the connection may carry another request. */
  act(socket: Socket, next: () => void): void;
}

export const SLOW_BYTES = 3_000_000;
/** More than all buffers between the backend and a client that does not read. */
const HUGE_BYTES = 64_000_000;
const PIECE = Buffer.alloc(64_000, 'x');

const OK = 'HTTP/1.1 200 OK\r\n';
const JSON_OK = `${OK}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
const LONG = `${OK}Content-Length: 1000\r\n\r\n`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const EVENTS = `${OK}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`;
const EVENT = 'b\r\ndata: yes\n\n\r\n';
const TLS_ALERT = '\x15\x03\x01\0\x02\x02\x0a';

/** Sends `bytes`, then its FIN, or a reset. */
function sends(bytes: string, ending: 'fin' | 'reset' | 'silence'): Behaviour['act'] {
  return (socket) => {
    socket.write(Buffer.from(bytes, 'latin1'), () => {
      if (ending === 'fin') socket.end();
      else if (ending === 'reset') socket.resetAndDestroy();
    });
  };
}

function pump(socket: Socket, count: number, done: () => void): void {
  let left = count;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      const piece = PIECE.subarray(0, left);
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once('drain', more);
    }
    if (left === 0) done();
  };
  more();
}

const answers = (bytes: string): Behaviour['act'] => {
  return (socket, next) => {
    next();
    socket.write(bytes);
  };
};

/** Answers early, and closes soon, while the body is still coming, as the servers of Node do. */
const answersEarly = (statusLine: string): Behaviour['act'] => {
  return (socket) => {
    socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!`);
    setTimeout(() => socket.destroy(), 50);
  };
};

const ticks: Behaviour['act'] = (socket) => {
  socket.write(EVENTS);
  const timer = setInterval(() => socket.write(EVENT), 50);
  socket.on('close', () => clearInterval(timer));
};

const bytes = (count: number): Behaviour['act'] => {
  return (socket, next) => {
    socket.write(`${OK}Content-Length: ${count}\r\n\r\n`);
    pump(socket, count, next);
  };
};

const BAD_GATEWAY = { 502: 'whole' } as const;
/** Broken off so early that Obex may not have passed the head on yet. */
const CUT_OR_502 = { 200: 'cut', 502: 'whole' } as const;

export const FINE: Behaviour = { name: 'fine', waits: true, answers: { 200: 'whole' }, act: answers(JSON_OK) };
export const HUGE: Behaviour = { name: 'huge', waits: true, answers: { 200: 'whole' }, act: bytes(HUGE_BYTES) };
export const SILENT: Behaviour = {
  name: 'says nothing',
  waits: true,
  answers: { 504: 'whole' },
  act: () => undefined,
};
export const IDLE_EVENTS: Behaviour = {
  name: 'event stream that idles',
  waits: true,
  answers: { 200: 'endless' },
  act: (socket) => void socket.write(EVENTS + EVENT),
};

/** All but `HUGE`, whose answer nobody should wait for. */
export const CHOICE: readonly Behaviour[] = [
  FINE,
  SILENT,
  IDLE_EVENTS,
  { name: 'event stream that ticks', waits: true, answers: { 200: 'endless' }, act: ticks },
  { name: 'large answer', waits: true, answers: { 200: 'whole' }, act: bytes(SLOW_BYTES) },
  {
    name: 'answer in chunks',
    waits: true,
    answers: { 200: 'whole' },
    act: answers(`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`),
  },
  {
    name: 'interim answers',
    waits: true,
    answers: { 200: 'whole' },
    act: answers('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(3) + JSON_OK),
  },
  { name: 'answer, then FIN', waits: true, answers: { 200: 'whole' }, act: sends(JSON_OK, 'fin') },
  {
    name: 'answer until FIN',
    waits: true,
    answers: { 200: 'whole' },
    act: sends('HTTP/1.0 200 OK\r\n\r\nhello', 'fin'),
  },
  { name: 'bytes behind the answer', waits: true, answers: { 200: 'whole' }, act: sends(JSON_OK + JSON_OK, 'silence') },
  { name: 'FIN for a head', waits: false, answers: BAD_GATEWAY, act: sends('', 'fin') },
  { name: 'reset for a head', waits: false, answers: BAD_GATEWAY, act: (socket) => void socket.resetAndDestroy() },
  { name: 'FIN for a request', waits: true, answers: BAD_GATEWAY, act: sends('', 'fin') },
  { name: 'half a head, then FIN', waits: true, answers: BAD_GATEWAY, act: sends(`${OK}Content-`, 'fin') },
  { name: 'half a head, then reset', waits: true, answers: BAD_GATEWAY, act: sends(`${OK}Content-`, 'reset') },
  {
    name: 'half a head, then silence',
    waits: true,
    answers: { 504: 'whole' },
    act: sends(`${OK}Content-`, 'silence'),
  },
  { name: 'head, then reset', waits: true, answers: CUT_OR_502, act: sends(LONG, 'reset') },
  { name: 'Content-Length longer than the body', waits: true, answers: CUT_OR_502, act: sends(`${LONG}hello`, 'fin') },
  { name: 'chunks, broken off by FIN', waits: true, answers: CUT_OR_502, act: sends(`${CHUNKED}5\r\nhel`, 'fin') },
  { name: 'chunks, broken off by reset', waits: true, answers: CUT_OR_502, act: sends(`${CHUNKED}5\r\nhel`, 'reset') },
  {
    name: 'a chunk size that is none',
    waits: true,
    answers: CUT_OR_502,
    act: sends(`${CHUNKED}zz\r\nhello`, 'silence'),
  },
  {
    name: 'answer until FIN that is a reset',
    waits: true,
    answers: CUT_OR_502,
    act: sends('HTTP/1.0 200 OK\r\n\r\nhello', 'reset'),
  },
  { name: 'silence within the body', waits: true, answers: { 200: 'endless' }, act: sends(`${LONG}hello`, 'silence') },
  { name: 'early 413', waits: false, answers: { 413: 'whole' }, act: answersEarly('413 Content Too Large') },
  { name: 'early 401', waits: false, answers: { 401: 'whole', 502: 'whole' }, act: answersEarly('401 Unauthorized') },
  { name: 'an SSH banner', waits: false, answers: BAD_GATEWAY, act: sends('SSH-2.0-OpenSSH_9.6\r\n', 'silence') },
  { name: 'a TLS alert', waits: false, answers: BAD_GATEWAY, act: sends(TLS_ALERT, 'fin') },
  { name: 'HTML without a head', waits: true, answers: BAD_GATEWAY, act: sends('<html>no</html>\r\n', 'silence') },
  {
    name: 'a head without end',
    waits: true,
    answers: BAD_GATEWAY,
    act: sends(`${OK}X: ${'x'.repeat(100_000)}`, 'silence'),
  },
  {
    name: 'two lengths',
    waits: true,
    answers: BAD_GATEWAY,
    act: sends(`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi`, 'silence'),
  },
  {
    name: 'another protocol',
    waits: true,
    answers: BAD_GATEWAY,
    act: sends('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'silence'),
  },
];

export const BEHAVIOURS: readonly Behaviour[] = [...CHOICE, HUGE];

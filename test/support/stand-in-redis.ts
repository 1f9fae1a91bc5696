/** A server that speaks the protocol of Redis (RESP2) and answers scripts as the test says. */
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** What a command of any kind other than EVAL is answered. */
const OK = '+OK\r\n';

export interface StandInRedis {
  readonly url: string;
  /** Connections over which a script was sent, in all. */
  readonly asked: number;
  /** The answer to every script: the text, or with a `-` in front the error. */
  answer: string;
  /** The answer to scripts over connections that are made from now on. */
  answerLater(answer: string): void;
}

export async function startStandInRedis(t: Pick<TestContext, 'after'>): Promise<StandInRedis> {
  const sockets = new Set<Socket>();
  const answers = new Map<Socket, string>();
  const asked = new Set<Socket>();
  let later: string | undefined;
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (later !== undefined) answers.set(socket, later);
    let waiting = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const read = readCommands(waiting + text);
      waiting = read.rest;
      for (const [name] of read.commands) {
        if (name?.toUpperCase() !== 'EVAL') socket.write(OK);
        else socket.write(format(answers.get(asked.add(socket) && socket) ?? standIn.answer));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const standIn = {
    url: `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    answer: 'claimed',
    get asked() {
      return asked.size;
    },
    answerLater: (answer: string) => {
      later = answer;
    },
  };
  return standIn;
}

function format(answer: string): string {
  return answer.startsWith('-') ? `${answer}\r\n` : `$${answer.length}\r\n${answer}\r\n`;
}

/** Arrays of bulk strings, and what is left of one that has not come whole. */
function readCommands(text: string): { readonly commands: readonly string[][]; readonly rest: string } {
  const commands: string[][] = [];
  let rest = text;
  for (;;) {
    let at = rest.indexOf('\r\n') + 2;
    const words: string[] = [];
    const count = Number(rest.slice(1, at - 2));
    while (at > 1 && words.length < count) {
      const start = rest.indexOf('\r\n', at) + 2;
      const end = start + Number(rest.slice(at + 1, start - 2));
      if (start < 2 || rest.length < end + 2) return { commands, rest };
      words.push(rest.slice(start, end));
      at = end + 2;
    }
    if (at < 2) return { commands, rest };
    commands.push(words);
    rest = rest.slice(at);
  }
}

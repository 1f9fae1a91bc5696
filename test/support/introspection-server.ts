/** An introspection endpoint on a real socket: knows some tokens, counts questions, and fails in every way. RFC 7662 §2. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { closeServer } from '../../src/demo/loopback.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { Cleanup } from './obex.ts';

export interface Question {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly userAgent: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

type Answer = (response: ServerResponse) => void;

export class IntrospectionServer {
  port = 0;
  /** What is said of each token; of all others that they are not active. */
  readonly tokens = new Map<string, Readonly<Record<string, unknown>>>();
  /** Instead of all that, once it is set. */
  answer: Answer | undefined;
  /** Its questions wait; those of others, with which workers begin, do not. */
  heldToken: string | undefined;
  readonly questions: Question[] = [];
  readonly #held: ServerResponse[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  get url(): string {
    return `http://127.0.0.1:${this.port}/introspect`;
  }

  /** Questions about that token so far. */
  asked(token: string): number {
    return this.questions.filter(({ form }) => form['token'] === token).length;
  }

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server, this.port);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await closeServer(this.#server);
  }

  /** For `answer`: says nothing until `release`. */
  hold(): Answer {
    return (response) => void this.#held.push(response);
  }

  /** Answers again, and whoever waits. */
  release(document: Readonly<Record<string, unknown>> = { active: false }): void {
    this.answer = undefined;
    this.heldToken = undefined;
    for (const response of this.#held.splice(0)) answerJson(response, document);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const { authorization, 'user-agent': userAgent } = request.headers;
    this.questions.push({ method: request.method ?? '', authorization, userAgent, form });
    if (this.heldToken !== undefined && this.heldToken === form['token']) return void this.#held.push(response);
    if (this.answer !== undefined) return this.answer(response);
    answerJson(response, this.tokens.get(form['token'] ?? '') ?? { active: false });
  }
}

function answerJson(response: ServerResponse, document: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document));
}

export async function startIntrospectionServer(cleanup: Cleanup): Promise<IntrospectionServer> {
  const server = new IntrospectionServer();
  await server.start();
  cleanup.after(() => server.stop());
  return server;
}

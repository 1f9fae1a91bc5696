/** One worker as the main thread sees it: what is said to it, what it answers, how it ends. */
import type { Worker } from 'node:worker_threads';
import type { LoginQuestion } from '../state/login-channel.ts';
import type { Birth, FromWorker, HandOver, ToWorker } from './messages.ts';
import { startThread } from './thread.ts';

export interface ColleagueHandlers {
  onLines(text: string): void;
  onRefresh(request: Extract<FromWorker, { kind: 'refresh' }>): void;
  onLogin(question: LoginQuestion): void;
  /** It has ended, and was not told to. */
  onDeath(error: Error): void;
}

type Answer = Extract<FromWorker, { kind: 'listening' | 'done' }>;
type Listening = Extract<FromWorker, { kind: 'listening' }>;

export class Colleague {
  /** Resolves when the thread is gone, whatever the reason. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #handlers: ColleagueHandlers;
  /** One question at a time. */
  #question: PromiseWithResolvers<Answer> | undefined;
  #isDismissed = false;

  /** `entry`: the URL of the program's own file. */
  constructor(entry: string, birth: Birth, handlers: ColleagueHandlers) {
    this.#handlers = handlers;
    this.#worker = startThread(entry, birth);
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error: Error) => this.#onEnded(error));
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        resolve();
        this.#onEnded(new Error(`a worker has ended with code ${code}`));
      });
    });
  }

  /** Resolves when it listens; rejects when it cannot. */
  async listen(port: number): Promise<Listening> {
    const answer = await this.#ask({ kind: 'listen', port });
    if (answer.kind === 'listening') return answer;
    throw new TypeError(`a worker that was to listen answered "${answer.kind}"`);
  }

  /** Resolves when a commit would put it in force; rejects when the worker refuses it. */
  async prepare(handOver: HandOver): Promise<void> {
    await this.#ask({ kind: 'prepare', handOver });
  }

  /** Resolves when what was prepared is in force. */
  async commit(): Promise<void> {
    await this.#ask({ kind: 'commit' });
  }

  tell(message: ToWorker): void {
    if (message.kind === 'drain') this.#isDismissed = true;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage(message);
  }

  terminate(): void {
    this.#isDismissed = true;
    void this.#worker.terminate();
  }

  #ask(message: ToWorker): Promise<Answer> {
    const question = Promise.withResolvers<Answer>();
    this.#question = question;
    this.tell(message);
    return question.promise;
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'lines':
        return this.#handlers.onLines(message.text);
      case 'refresh':
        return this.#handlers.onRefresh(message);
      case 'login':
        return this.#handlers.onLogin(message.question);
      case 'refused':
        return this.#question?.reject(new Error(message.problem));
      case 'listening':
      case 'done':
        return this.#question?.resolve(message);
    }
  }

  #onEnded(error: Error): void {
    this.#question?.reject(error);
    if (!this.#isDismissed) this.#handlers.onDeath(error);
  }
}

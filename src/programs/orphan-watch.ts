/** A shell that outlives Obex by a moment: when Obex is killed without a word, it ends the programs that would be left. signal(7). */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Its standard input ends when Obex does, whatever the reason. By then that of the programs has ended, too. */
const SCRIPT = `
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% "$group" *} \${groups#* "$group" }" ;;
  esac
done
[ "$groups" = ' ' ] && exit
sleep 1
for group in $groups; do kill -TERM "-$group"; done
sleep 4
for group in $groups; do kill -KILL "-$group"; done
`;

/** A shell that ends at once, time after time, is not started more often. */
const AGAIN_MS = 1_000;

export class OrphanWatch {
  readonly #onMissing: (error: Error) => void;
  readonly #groups = new Set<number>();
  #stdin: Writable | undefined;
  #isStopped = false;

  /** `onMissing`: there is no shell here; then only programs that heed the end of their input do not outlive Obex. */
  constructor(onMissing: (error: Error) => void) {
    this.#onMissing = onMissing;
  }

  add(pgid: number): void {
    this.#groups.add(pgid);
    if (this.#stdin === undefined) this.#start();
    else this.#stdin.write(`+ ${pgid}\n`);
  }

  delete(pgid: number): void {
    this.#groups.delete(pgid);
    this.#stdin?.write(`- ${pgid}\n`);
  }

  stop(): void {
    this.#isStopped = true;
    this.#stdin?.end();
  }

  /** Tells it of all groups there are: the one before may have died. */
  #start(): void {
    const shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
      // A signal to the whole of Obex is not for it.
      detached: true,
    });
    shell.on('error', (error) => this.#onMissing(error));
    shell.stdin.on('error', () => undefined);
    shell.on('exit', () => this.#onExit());
    letGo(shell);
    this.#stdin = shell.stdin;
    for (const pgid of this.#groups) shell.stdin.write(`+ ${pgid}\n`);
  }

  #onExit(): void {
    this.#stdin = undefined;
    setTimeout(() => {
      if (!this.#isStopped && this.#stdin === undefined && this.#groups.size > 0) this.#start();
    }, AGAIN_MS).unref();
  }
}

/** It keeps nobody from ending. */
function letGo(shell: ChildProcess): void {
  shell.unref();
  const { stdin } = shell;
  if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
}

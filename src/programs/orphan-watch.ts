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

export class OrphanWatch {
  readonly #onMissing: (error: Error) => void;
  #stdin: Writable | undefined;

  /** `onMissing`: there is no shell here; then only programs that heed the end of their input do not outlive Obex. */
  constructor(onMissing: (error: Error) => void) {
    this.#onMissing = onMissing;
  }

  add(pgid: number): void {
    this.#stdin ??= this.#start();
    this.#stdin.write(`+ ${pgid}\n`);
  }

  delete(pgid: number): void {
    this.#stdin?.write(`- ${pgid}\n`);
  }

  stop(): void {
    this.#stdin?.end();
  }

  #start(): Writable {
    const shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
      // A signal to the whole of Obex is not for it.
      detached: true,
    });
    shell.on('error', (error) => this.#onMissing(error));
    shell.stdin.on('error', () => undefined);
    letGo(shell);
    return shell.stdin;
  }
}

/** It keeps nobody from ending. */
function letGo(shell: ChildProcess): void {
  shell.unref();
  const { stdin } = shell;
  if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
}

/** Files that are looked at again and again: whatever puts other content in their place, one change is told. */
import { type Stats, unwatchFile, watchFile } from 'node:fs';
import { createDebounce } from '../lib/debounce.ts';

/**
 * How often they are looked at. Looking at the path, and not waiting for events, also sees links that are swapped further up,
 * as Kubernetes does with `..data`, and files that come later.
 */
const INTERVAL_MS = 1_000;

/** Longer than the time between two looks, so that files which are written one after the other are one change. */
const SETTLE_MS = 1_500;

export class FollowedFiles {
  readonly #onChange: () => void;
  #files: ReadonlySet<string> = new Set();
  readonly #look = (now: Stats, before: Stats): void => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) this.#onChange();
  };

  /** `onChange` is called once the files have been left alone for a moment. */
  constructor(onChange: () => void) {
    this.#onChange = createDebounce(onChange, SETTLE_MS);
  }

  /** These, and no others from now on; they need not be there. Those that stay keep what was seen of them. */
  follow(files: Iterable<string>): void {
    const next = new Set(files);
    for (const file of this.#files.difference(next)) unwatchFile(file, this.#look);
    for (const file of next.difference(this.#files)) watchFile(file, { interval: INTERVAL_MS }, this.#look);
    this.#files = next;
  }
}

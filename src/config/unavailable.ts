/** What the schema knows and this release does not do yet: refused, so that nobody believes it to be on. */
import type { Draft } from './draft.ts';

const NO_DPOP =
  'this release does not verify DPoP proofs; it verifies bearer tokens (phase 2). Delete dpop, or set enabled and required ' +
  'to false and nonce to "off"';
const NO_WORKERS =
  'this release serves with one thread; write 1, or delete the key. To use more cores, run several processes';

/** Section → what its documentation adds. */
export const UNAVAILABLE_NOTES: Readonly<Record<string, string>> = {
  obex: '**In this release** `workers` must be 1; anything else is refused.',
  dpop: '**In this release** DPoP is not available: a config that enables or requires it is refused.',
};

const ONE_THREAD: readonly unknown[] = [undefined, 1, '1'];

const ASKS_FOR_DPOP: readonly (readonly [key: string, asks: readonly unknown[]])[] = [
  ['enabled', [true, 'true']],
  ['required', [true, 'true']],
  ['nonce', ['required']],
];

/** Reports what is not there, DPoP at most once. */
export function reportUnavailable(draft: Draft): void {
  const workers = draft.valueAt(['obex', 'workers']);
  if (!ONE_THREAD.includes(workers) && !draft.isAtFault(['obex', 'workers'])) {
    draft.report(['obex', 'workers'], NO_WORKERS);
  }
  const asking = ASKS_FOR_DPOP.find(([key, asks]) => asks.includes(draft.valueAt(['dpop', key])));
  if (asking !== undefined && !draft.isAtFault(['dpop', asking[0]])) draft.report(['dpop', asking[0]], NO_DPOP);
}

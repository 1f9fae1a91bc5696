/** Many calls in a row become one. */

/** Calls `action` once nothing has called for `quietMs`. Waiting for that keeps no process alive. */
export function createDebounce(action: () => void, quietMs: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, quietMs).unref();
  };
}

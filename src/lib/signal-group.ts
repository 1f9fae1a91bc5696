/** A signal to all processes of a group. kill(2). */

/** False when there is nobody. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pgid, signal);
  } catch (error) {
    // Somebody is there who has become another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

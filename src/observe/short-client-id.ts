/** The beginning of a client id, for the log: that of a registered client holds its whole registration. */

const LONGEST = 32;

export function shortClientId(clientId: string): string {
  return clientId.length <= LONGEST ? clientId : `${clientId.slice(0, LONGEST)}…`;
}

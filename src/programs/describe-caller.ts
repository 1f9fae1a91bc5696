/** On whose behalf a process runs, for the log, in the words of access lines. */
import { shortClientId } from '../observe/short-client-id.ts';

/** `environment`: what the process was told; nothing in phase 1. */
export function describeCaller(environment: Readonly<Record<string, string>>) {
  const { OBEX_USER: subject = '', OBEX_CLIENT: client = '' } = environment;
  return { ...(subject !== '' && { subject }), ...(client !== '' && { oauth_client: shortClientId(client) }) };
}

/** A backend is reached by a URL, or it is a program: what of the one has no meaning with the other. */
import type { Draft } from './draft.ts';
import { isRecord } from './path.ts';
import { programKeys } from './sections/program.ts';

export const PROGRAM_KEYS: readonly string[] = Object.keys(programKeys);
/** What needs a backend that speaks HTTP. */
export const HTTP_KEYS: readonly string[] = [
  'url',
  'host',
  'connect_timeout',
  'max_idle_conns',
  'headers',
  'claim_headers',
  'assertion',
  'strip_headers',
  'tls',
];

const EXAMPLES = 'for example "http://localhost:9090"; or backend.command, for a server that speaks stdio';

export function checkBackend(draft: Draft): void {
  const backend = draft.valueAt(['backend']) ?? {};
  if (!isRecord(draft.root) || !isRecord(backend) || draft.isAtFault(['backend'])) return;
  const isWritten = (key: string): boolean => backend[key] !== undefined && !draft.isAtFault(['backend', key]);
  const command = backend['command'];
  const hasProgram = command !== undefined && !(Array.isArray(command) && command.length === 0);
  if (!hasProgram && backend['url'] === undefined && !draft.isAtFault(['backend', 'url']))
    draft.report(['backend', 'url'], `is required; ${EXAMPLES}`);
  if (command === '') draft.report(['backend', 'command'], 'is empty; name a program, or delete the key');
  const foreign = hasProgram ? HTTP_KEYS : PROGRAM_KEYS.filter((key) => key !== 'command');
  for (const key of foreign.filter(isWritten)) {
    const why = hasProgram
      ? 'means nothing to backend.command, which speaks stdio; delete it'
      : 'needs backend.command; add it, or delete the key';
    draft.report(['backend', key], why);
  }
}

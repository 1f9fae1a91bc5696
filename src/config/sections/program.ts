/** The keys of `backend` about an MCP server that speaks stdio, which Obex runs itself. MCP transports (stdio). */
import { duration, leaf, list, number, size, text } from '../leaf.ts';
import { environmentVariables, parseVariableName } from '../program-environment.ts';
import { type Refused, refuse } from '../refused.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MEBIBYTE = 2 ** 20;

const variableName = leaf(
  { kind: 'string', json: { type: 'string' }, meaning: 'Name of a variable.' },
  parseVariableName,
);

export const programKeys = {
  command: leaf(
    {
      kind: 'string',
      json: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      default: [],
      example: 'npx',
      meaning:
        'In place of `url`: the program that is the MCP server and speaks stdio, or the whole command as a list. No shell reads it. Each ' +
        'session has a process of its own (docs/programs.md).',
    },
    (value) => parseWords(value, 'expected a command such as "npx", or a list of its words'),
  ),
  args: leaf(
    {
      kind: 'list',
      json: { type: 'array', items: { type: 'string' } },
      default: [],
      example: ['-y', '@modelcontextprotocol/server-filesystem', '/data'],
      meaning: 'Its arguments, each as the program gets it.',
    },
    (value) => parseWords(value, 'expected a list of arguments; put each in quotes'),
  ),
  env: environmentVariables,
  pass_env: list(variableName, {
    default: [],
    example: ['HTTPS_PROXY', 'NODE_EXTRA_CA_CERTS'],
    meaning:
      'Names of variables that are passed on from the environment of Obex, beside PATH, HOME and LANG. Nothing else of it is.',
  }),
  cwd: text({
    allowEmpty: true,
    default: '',
    example: '/srv/files',
    meaning: 'Its working directory. Empty = that of Obex.',
  }),
  user: text({
    allowEmpty: true,
    default: '',
    example: 'nobody',
    meaning:
      'User that it runs as: `NAME`, `UID`, `NAME:GROUP` or `UID:GID`, which needs an Obex that is root. Empty = that of Obex, whose files, ' +
      'keys and memory it can then read.',
  }),
  start_timeout: duration({
    min: 100,
    max: HOUR_MS,
    default: '30s',
    meaning: 'Longest wait for its first message; then what waits is answered with JSON-RPC error -32603.',
  }),
  idle_timeout: duration({
    min: 1_000,
    max: DAY_MS,
    default: '10m',
    meaning:
      'A process ends when nothing was in flight, and no message came either way, for so long. An open stream does not count.',
  }),
  max_sessions: number({
    kind: 'integer',
    min: 1,
    max: 100_000,
    default: 100,
    meaning:
      'Processes, those that start or end included; a quarter of them, at least one, for each person (issuer and subject), whose own longest idle one goes ' +
      'first. Beyond it 503.',
  }),
  max_message: size({
    min: 1_024,
    max: 256 * MEBIBYTE,
    default: '16MB',
    meaning: 'Longest message of the program; a longer one ends its session.',
  }),
};

function parseWords(value: unknown, wanted: string): readonly string[] | Refused {
  const words: readonly unknown[] = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [undefined];
  const bad = words.find((word) => typeof word !== 'string');
  if (bad !== undefined || words.includes(undefined)) return refuse(wanted, value);
  const texts = words.filter((word) => typeof word === 'string');
  // execve(2) would stop there.
  return texts.some((word) => word.includes('\0')) ? refuse('must not hold a NUL character', value) : texts;
}

/** What `backend.env` and `backend.pass_env` may hold. POSIX.1-2024 XBD §8.1. */
import * as z from 'zod/mini';
import { described } from './leaf.ts';
import { isRecord } from './path.ts';
import { type Refused, refuse } from './refused.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** execve(2): MAX_ARG_STRLEN. */
const MAX_BYTES = 128 * 1024 - 1;

export function parseVariableName(value: unknown): string | Refused {
  const fault = typeof value === 'string' ? nameFault(value) : 'expected the name of a variable such as "HTTPS_PROXY"';
  return fault === undefined && typeof value === 'string' ? value : refuse(fault ?? '', value);
}

function nameFault(name: string): string | undefined {
  if (!NAME.test(name)) return 'is no name of a variable: use letters, digits and "_", and no digit first';
  if (name.startsWith('OBEX_')) return 'begins with OBEX_, which is what Obex tells the program; choose another name';
  return undefined;
}

/** Never quotes a value: it may be a secret. */
function valueFault(name: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return 'expected a text; put the value in quotes';
  if (value.includes('\0')) return 'must not hold a NUL character (the value is not shown)';
  if (Buffer.byteLength(`${name}=${value}`) > MAX_BYTES) return 'is longer than 128 KiB, which no program can be given';
  return undefined;
}

/** The schema of `backend.env`. */
export const environmentVariables = described(
  z.pipe(
    z.unknown(),
    z.transform((given, { issues }): Readonly<Record<string, string>> => {
      const value = given ?? {};
      if (!isRecord(value)) {
        issues.push({ code: 'custom', input: given, message: 'expected variables, such as { API_KEY: "${API_KEY}" }' });
        return z.NEVER;
      }
      const variables: [string, string][] = [];
      for (const [name, content] of Object.entries(value)) {
        const fault = nameFault(name) ?? valueFault(name, content);
        if (fault !== undefined) issues.push({ code: 'custom', input: content, message: fault, path: [name] });
        else if (typeof content === 'string') variables.push([name, content]);
      }
      return Object.fromEntries(variables);
    }),
  ),
  {
    kind: 'map',
    json: { type: 'object', additionalProperties: { type: 'string' } },
    default: {},
    secret: true,
    meaning:
      'Variables of its environment: `API_KEY: "${API_KEY}"`, or `API_KEY_file: /run/secrets/key` to read the value from a file.',
  },
);

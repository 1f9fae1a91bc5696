/** Flags and environment of test-dpop.ts: every flag has a twin `DPOP_TEST_…`, and the flag wins. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Of Obex: what MCP clients type. */
  readonly url: string;
  readonly tokenUrl: string | undefined;
  readonly issuer: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientAuth: 'basic' | 'post';
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  readonly audience: string | undefined;
  readonly scheme: 'DPoP' | 'Bearer';
  readonly keyFile: string;
}

/** Wrong usage, in a line that a person can act on. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Flag {
  readonly value: string;
  readonly meaning: string;
}

const FLAGS = {
  url: { value: 'URL', meaning: 'MCP endpoint behind Obex, as clients type it (resource.url)' },
  issuer: { value: 'URL', meaning: 'the IdP; its metadata names the token endpoint' },
  'token-url': { value: 'URL', meaning: 'token endpoint, instead of --issuer' },
  'client-id': { value: 'ID', meaning: 'a client that may use client credentials and DPoP' },
  'client-secret': { value: 'SECRET', meaning: 'better as DPOP_TEST_CLIENT_SECRET: other users can see flags' },
  'client-auth': { value: 'basic|post', meaning: 'how the client authenticates at the IdP (default basic)' },
  scope: { value: 'SCOPES', meaning: 'scopes to ask for, with spaces between' },
  resource: { value: 'URL', meaning: 'RFC 8707 parameter (default --url; "" sends none)' },
  audience: { value: 'VALUE', meaning: 'the parameter `audience`, for IdPs that want that instead' },
  scheme: { value: 'DPoP|Bearer', meaning: 'Authorization scheme towards Obex (default DPoP)' },
  'key-file': { value: 'FILE', meaning: 'EC P-256 key, made when it is not there (default test/dpop/dpop_key.pem)' },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof FLAGS;

/** Undefined when help was asked for. */
export function readOptions(args: readonly string[], defaultKeyFile: string): Options | undefined {
  const values = parseFlags(args);
  if (values['help'] === true) return undefined;
  const read = (name: FlagName): string | undefined => {
    const value = values[name] ?? process.env[variableOf(name)];
    return typeof value === 'string' ? value : undefined;
  };
  const demand = (name: FlagName): string => {
    const value = read(name);
    if (value === undefined || value === '') throw new UsageError(`--${name} (or ${variableOf(name)}) is missing`);
    return value;
  };
  const choose = <T extends string>(name: FlagName, choices: readonly [T, ...T[]]): T => {
    const value = read(name) ?? choices[0];
    const chosen = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
    if (chosen === undefined) throw new UsageError(`--${name} is ${choices.join(' or ')}, not ${value}`);
    return chosen;
  };
  const url = demand('url');
  const [tokenUrl, issuer] = [read('token-url'), read('issuer')];
  if (tokenUrl === undefined && issuer === undefined) throw new UsageError('--issuer or --token-url is missing');
  for (const [name, text] of Object.entries({ url, issuer, 'token-url': tokenUrl })) {
    if (text !== undefined && !URL.canParse(text)) throw new UsageError(`--${name} is not a URL: ${text}`);
  }
  return {
    url,
    tokenUrl,
    issuer,
    clientId: demand('client-id'),
    clientSecret: demand('client-secret'),
    clientAuth: choose('client-auth', ['basic', 'post']),
    scope: read('scope'),
    resource: read('resource') ?? url,
    audience: read('audience'),
    scheme: choose('scheme', ['DPoP', 'Bearer']),
    keyFile: read('key-file') ?? defaultKeyFile,
  };
}

function parseFlags(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  const names = Object.keys(FLAGS).map((name) => [name, { type: 'string' } as const] as const);
  try {
    const options = { ...Object.fromEntries(names), help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function variableOf(name: string): string {
  return `DPOP_TEST_${name.toUpperCase().replaceAll('-', '_')}`;
}

export function formatHelp(): string {
  const width = Math.max(...Object.entries(FLAGS).map(([name, { value }]) => name.length + value.length)) + 5;
  const flags = Object.entries(FLAGS).map(
    ([name, { value, meaning }]) => `  ${`--${name} ${value}`.padEnd(width)}${meaning}\n`,
  );
  return `Gets a token that is bound to a key (RFC 9449), by client credentials, and calls an MCP server behind Obex with it.

Usage: node test/dpop/test-dpop.ts --url URL --issuer URL --client-id ID [more]      (Node 26; \`npm ci\` first)

${flags.join('')}  ${'--help'.padEnd(width)}this

Every flag can stand in the environment too: --client-secret as DPOP_TEST_CLIENT_SECRET.
If Obex or the IdP has a certificate of your own authority: NODE_EXTRA_CA_CERTS=ca.pem.

Example:
  $ export DPOP_TEST_CLIENT_SECRET=…
  $ node test/dpop/test-dpop.ts --url https://my-tool.example.com/mcp --issuer https://auth.example.com/ --client-id my-client --scope mcp:read

Exit code: 0 passed, 1 failed, 2 wrong usage.
`;
}

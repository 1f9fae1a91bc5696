/** Obex in this process (how: `transport.ts`), on a free loopback port, from YAML as users write it; everything that it logs is kept. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { formatProblem, loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { FakeClock } from './fake-clock.ts';
import { parseObject } from './json.ts';
import type { RawClient, RawResponse } from './raw-http.ts';
import { configureTransport, openTransport, type ServedObex, serveObex } from './served-obex.ts';
import { until } from './until.ts';

export const PUBLIC_URL = 'https://tool.example.com';
export const RESOURCE = `${PUBLIC_URL}/mcp`;
export const METADATA_URL = `${PUBLIC_URL}/.well-known/oauth-protected-resource/mcp`;

/** Something that runs clean-up when the test is over: a TestContext. */
export interface Cleanup {
  after(callback: () => void | Promise<void>): void;
}

type SectionName =
  | 'obex'
  | 'backend'
  | 'resource'
  | 'idp'
  | 'authz'
  | 'dpop'
  | 'token_cache'
  | 'limits'
  | 'cors'
  | 'log'
  | 'metrics';

export interface ConfigParts {
  readonly backend: { readonly port: number };
  /** Absent: phase 1. Without `jwksUri`: discovery. */
  readonly issuer?: { readonly url: string; readonly jwksUri: string | undefined };
  readonly publicUrl?: string;
  /** Absent: `/mcp` of the public URL. */
  readonly resourceUrl?: string;
  /** Behind the authority of the backend. */
  readonly backendPath?: string;
  /** More lines of a section. */
  readonly sections?: Readonly<Partial<Record<SectionName, string>>>;
}

/** A config file with the least that Obex needs and the lines given. */
export function formatConfig(parts: ConfigParts): string {
  const { backend, issuer, publicUrl = PUBLIC_URL, resourceUrl = `${publicUrl}/mcp`, sections = {} } = parts;
  const { backendPath = '' } = parts;
  const lines: Record<string, string> = {
    obex: `public_url: "${publicUrl}"\nlisten: "127.0.0.1:0"`,
    backend: `url: "http://127.0.0.1:${backend.port}${backendPath}"`,
    resource: `url: "${resourceUrl}"`,
  };
  if (issuer !== undefined) lines['idp'] = `issuer: "${issuer.url}"`;
  if (issuer?.jwksUri !== undefined) lines['idp'] += `\njwks_uri: "${issuer.jwksUri}"`;
  for (const [name, more] of Object.entries(sections)) lines[name] = `${lines[name] ?? ''}\n${more.trimEnd()}`;
  return Object.entries(lines)
    .map(([name, text]) => `${name}:\n${text.replace(/^(?=.)/gm, '  ')}\n`)
    .join('');
}

export function parseConfig(yaml: string): Config {
  const readFile = (path: string): string => assert.fail(`the config reads ${path}`);
  const loaded = loadConfig({ file: 'obex.yaml', text: yaml, env: {}, readFile });
  if ('problems' in loaded) assert.fail(`${loaded.problems.map(formatProblem).join('\n')}\n${yaml}`);
  return loaded.config;
}

export type LogEvent = Readonly<Record<string, unknown>>;

export interface TestObex {
  readonly obex: ServedObex;
  readonly port: number;
  readonly clock: FakeClock;
  /** Everything logged so far, line by line as it was written. */
  output(): string;
  /** Logged events of that name; `request` is the access line. */
  events(name: string): readonly LogEvent[];
  /** The first event of that name that fits, as soon as it is there. */
  event(name: string, fits?: (event: LogEvent) => boolean): Promise<LogEvent>;
  /** Rejects with the reason when the configuration is refused. */
  reload(yaml: string): Promise<void>;
  /** A connection to the main listener. */
  open(): Promise<RawClient<Duplex>>;
  /** One request on a connection of its own. */
  send(request?: RequestText): Promise<RawResponse>;
  /** The value of a counter, labels written as on `/metrics`. */
  metric(sample: string): number | undefined;
  /** The value of any sample, as `/metrics` shows it: workers know gauges that this thread does not. */
  scrape(sample: string): Promise<number | undefined>;
}

/** Resolves when Obex listens; it is stopped when the test is over. */
export async function startTestObex(cleanup: Cleanup, yaml: string, clock = new FakeClock()): Promise<TestObex> {
  let output = '';
  const lines = { write: (text: string): void => void (output += text) };
  const obex = await serveObex(configureTransport(parseConfig(yaml)), clock, lines);
  cleanup.after(() => obex.stop());
  const events = (name: string): readonly LogEvent[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => parseObject(line))
      .filter((event) => event['event'] === name);
  const open = async (): Promise<RawClient<Duplex>> => {
    const client = await openTransport(obex.port);
    cleanup.after(() => client.destroy());
    return client;
  };
  const send = async (request?: RequestText): Promise<RawResponse> => {
    const client = await open();
    const response = await sendOn(client, request);
    client.destroy();
    return response;
  };
  return {
    obex,
    port: obex.port,
    clock,
    output: () => output,
    events,
    event: (name, fits = () => true) => until(`the event ${name}`, () => events(name).find(fits)),
    reload: (next) => obex.reload(configureTransport(parseConfig(next))),
    open,
    send,
    metric: (sample) => findSample(obex.metrics.format(), sample),
    scrape: async (sample) => findSample((await send({ target: '/metrics' })).body.toString(), sample),
  };
}

function findSample(exposition: string, sample: string): number | undefined {
  const line = exposition.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

export interface RequestText {
  readonly method?: string;
  readonly target?: string;
  /** Undefined = 127.0.0.1, null = none. */
  readonly host?: string | null;
  /** `Name: value`, as many and as odd as the test wants. */
  readonly lines?: readonly string[];
  /** Content-Length is added. */
  readonly body?: string;
}

export function formatRequest({ method = 'GET', target = '/mcp', host, lines = [], body }: RequestText = {}): string {
  const all = [`${method} ${target} HTTP/1.1`];
  if (host !== null) all.push(`Host: ${host ?? '127.0.0.1'}`);
  all.push(...lines);
  if (body !== undefined) all.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${all.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** Sends a request and reads its final answer. */
export async function sendOn(client: RawClient<Duplex>, request: RequestText = {}): Promise<RawResponse> {
  await client.send(formatRequest(request));
  return client.readResponse(request.method);
}

export function bearer(accessToken: string): string {
  return `Authorization: Bearer ${accessToken}`;
}

/** The JSON object in a response. */
export function bodyOf(response: RawResponse): Readonly<Record<string, unknown>> {
  return parseObject(response.body.toString('utf8'));
}

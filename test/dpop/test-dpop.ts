/** A DPoP client to try phase 3 with: a bound token by client credentials from any IdP, then a call through Obex. RFC 9449. */
import { join, relative } from 'node:path';
import { calculateThumbprint } from 'dpop';
import { BoundClient, type ProvenAnswer, type ProvenRequest } from '../../src/demo/bound-client.ts';
import { fetchMetadata, MESSAGE_HEADERS } from '../../src/demo/plain-request.ts';
import { loadKey } from './key.ts';
import { formatHelp, type Options, readOptions, UsageError } from './options.ts';
import { whereToLook, whereToLookFor } from './where-to-look.ts';

const KEY_FILE = join(import.meta.dirname, 'dpop_key.pem');
const MISSING = '(missing)';
const SHOWN_CHARACTERS = 2_000;

/** The one message that servers with sessions take first; those of MCP 2026-07-28 alone answer it with an error of their own. */
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'obex-test-dpop', version: '1.0.0' },
  },
});

/** The test has found what is wrong; the message says what and where to look. */
class Failure extends Error {
  constructor(step: string, hint: string) {
    super(`${step}: ${hint}`);
  }
}

type Members = Readonly<Record<string, unknown>>;

function print(name: string, value: unknown): void {
  const text = value === undefined ? MISSING : typeof value === 'string' ? value : JSON.stringify(value);
  console.log(`${`${name}:`.padEnd(14)}${text}`);
}

async function run(options: Options): Promise<void> {
  const key = loadKey(options.keyFile);
  const jkt = await calculateThumbprint(key.publicKey);
  print('key', `${relative('.', options.keyFile)}${key.isNew ? ', made now' : ''}`);
  print('thumbprint', jkt);
  const client = new BoundClient({
    keys: key,
    onNonceDemand: (origin) => console.log(`${origin} demands a nonce (use_dpop_nonce): asking again with it`),
  });
  const accessToken = await getToken(client, options);
  checkToken(accessToken, jkt);
  await callObex(client, options, accessToken);
}

async function getToken(client: BoundClient, options: Options): Promise<string> {
  const url = options.tokenUrl ?? (await discoverTokenUrl(options.issuer ?? ''));
  print('token from', url);
  const answer = await attempt(`The IdP at ${url} cannot be reached`, () =>
    client.post(formatTokenRequest(url, options)),
  );
  const body = parseMembers(answer.body);
  const accessToken = body['access_token'];
  if (answer.status !== 200 || typeof accessToken !== 'string') {
    const hint = 'look at the client at the IdP: client credentials and DPoP allowed, scopes, resource or audience';
    throw new Failure(`The IdP refused a token with ${answer.status} ${answer.body.slice(0, SHOWN_CHARACTERS)}`, hint);
  }
  for (const name of ['token_type', 'scope', 'expires_in']) print(name, body[name]);
  return accessToken;
}

function formatTokenRequest(url: string, options: Options): ProvenRequest {
  const { clientId, clientSecret, clientAuth, scope, resource, audience } = options;
  const parameters: Record<string, string | undefined> = {
    grant_type: 'client_credentials',
    scope,
    resource,
    audience,
  };
  const headers: Record<string, string> = {
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
  };
  if (clientAuth === 'post') Object.assign(parameters, { client_id: clientId, client_secret: clientSecret });
  // RFC 6749 §2.3.1: both are encoded as in a form first.
  else headers['Authorization'] = `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`;
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== '') body.set(name, value);
  return { url, headers, body: body.toString() };
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4 after it. */
async function discoverTokenUrl(issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  const errors: string[] = [];
  for (const url of urls) {
    try {
      const { token_endpoint: found } = await fetchMetadata(url);
      if (typeof found === 'string') return found;
      errors.push(`${url} names no token_endpoint`);
    } catch (error) {
      errors.push(whereToLookFor(error));
    }
  }
  throw new Failure(`The metadata of ${issuer} cannot be read`, `${errors.join('; ')}. Or name it with --token-url`);
}

/** Shows what Obex will look at; nothing is verified here. */
function checkToken(accessToken: string, jkt: string): void {
  const claims = parseMembers(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  const cnf = claims['cnf'];
  const bound = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : undefined;
  print('aud', claims['aud']);
  print('cnf.jkt', bound);
  if (bound === undefined) {
    throw new Failure('The token is not bound to a key', 'switch DPoP on for this client at the IdP');
  }
  if (bound !== jkt) throw new Failure('The token is bound to another key', `cnf.jkt should be ${jkt}`);
}

async function callObex(client: BoundClient, { url, scheme }: Options, accessToken: string): Promise<void> {
  const headers = { ...MESSAGE_HEADERS, Authorization: `${scheme} ${accessToken}` };
  const request = { url, headers, body: INITIALIZE, accessToken };
  print('calling', `${url} with Authorization: ${scheme}`);
  const answer = await attempt(`Obex at ${url} cannot be reached`, () => client.post(request));
  print('HTTP status', String(answer.status));
  print('MCP answer', answer.body.slice(0, SHOWN_CHARACTERS).trim());
  const requestId = answer.headers.get('x-obex-request-id');
  if (requestId === null) {
    throw new Failure(
      'The answer is not from Obex',
      'it has no X-Obex-Request-ID; does --url reach the server around Obex?',
    );
  }
  const reason = reasonOf(answer);
  if (reason !== undefined)
    throw new Failure(`Obex refused the request ${requestId} with ${reason}`, whereToLook(reason));
  if (answer.status >= 300) {
    throw new Failure(`The MCP server answered ${answer.status}`, 'token and proof are good; look at its log');
  }
  await checkReplay(client, request, answer.proof);
}

/** A proof that could be used again would mean that Obex is not in phase 3. */
async function checkReplay(client: BoundClient, request: ProvenRequest, proof: string): Promise<void> {
  const replayed = await client.postWith(proof, request);
  const reason = reasonOf(replayed);
  print('proof again', `${replayed.status} ${reason ?? ''}`.trim());
  if (reason !== 'dpop_replayed') {
    const hint = 'it must be refused with dpop_replayed; do several Obex serve this URL without a common Redis?';
    throw new Failure('Obex took the same proof twice', hint);
  }
}

function reasonOf({ status, body }: ProvenAnswer): string | undefined {
  const reason = status < 400 ? undefined : parseMembers(body)['reason'];
  return typeof reason === 'string' ? reason : undefined;
}

function parseMembers(text: string): Members {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new Failure(what, whereToLookFor(error));
  }
}

try {
  const options = readOptions(process.argv.slice(2), KEY_FILE);
  if (options === undefined) {
    console.log(formatHelp());
  } else {
    await run(options);
    console.log('\nPhase 3 DPoP test PASSED.');
  }
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`test-dpop: ${error.message}; see --help`);
    process.exitCode = 2;
  } else {
    const text = error instanceof Error ? error.message : String(error);
    console.error(`\nPhase 3 DPoP test FAILED. ${text}\nMore in docs/dpop.md, "When it does not work".`);
    process.exitCode = 1;
  }
}

/** A login that takes identity assertions, their issuer, and a client that comes with them. draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { CompactSign } from 'jose';
import { customFetch, validateJwtAccessToken } from 'oauth4webapi';
import type { LoginOptions, StaticClient } from '../../../../src/login/options.ts';
import type { FieldLines } from '../../../../src/wire/exchange.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { parseObject } from '../../../support/json.ts';
import { type Change, encode } from '../../../support/login-client.ts';
import {
  type Answer,
  fieldOf,
  ISSUER,
  type LogEvent,
  type Login,
  RESOURCE,
  startLogin,
} from '../../../support/login-server.ts';
import {
  type IssuerKey,
  issuerKey,
  type JwksState,
  startTestIssuer,
  type TestIssuer,
} from '../../../support/test-issuer.ts';

export const IDP = 'https://acme.idp.example';
export const AGENT = 'agent';
const SECRET = 'the secret of an agent, and of another one';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const REFUSED = { error: 'invalid_grant', error_description: 'the assertion is not accepted' };
export const FORM = ['content-type', 'application/x-www-form-urlencoded'];

type Members = Readonly<Record<string, unknown>>;

/** What is to be different; an undefined member is left out. */
export interface AssertionChange {
  readonly key?: IssuerKey;
  readonly header?: Members | undefined;
  readonly claims?: Members | undefined;
  /** Instead of the claims, as it is. */
  readonly payload?: string;
}

export interface Asking {
  readonly clientId?: string;
  /** Undefined: of the client. */
  readonly fields?: FieldLines;
  readonly form?: Change;
}

const CLIENTS: readonly StaticClient[] = [
  { clientId: AGENT, clientSecret: SECRET, redirectUris: ['https://agent.example/cb'], name: 'Agent' },
  { clientId: 'other', clientSecret: SECRET, redirectUris: ['https://other.example/cb'], name: 'Other' },
  { clientId: 'public', clientSecret: undefined, redirectUris: ['http://127.0.0.1/cb'], name: undefined },
];

/** Of one assertion and the next. */
let made = 0;

export class Asserting {
  readonly login: Login;
  readonly issuer: TestIssuer;

  constructor(login: Login, issuer: TestIssuer) {
    this.login = login;
    this.issuer = issuer;
  }

  /** Ann, good for five minutes from now. */
  async assertion({ key = this.issuer.key, header, claims, payload }: AssertionChange = {}): Promise<string> {
    const text = payload ?? JSON.stringify({ ...goodClaims(), ...claims });
    const members = { alg: key.alg, kid: key.kid, typ: 'oauth-id-jag+jwt', ...header };
    return new CompactSign(Buffer.from(text))
      .setProtectedHeader(JSON.parse(JSON.stringify(members)))
      .sign(key.privateKey);
  }

  /** As the client would send it, authenticated. */
  async send(assertion: string | undefined, { clientId = AGENT, fields, form }: Asking = {}): Promise<Answer> {
    return this.login.ask({
      method: 'POST',
      target: '/oauth/token',
      fields: [...FORM, ...(fields ?? ['authorization', basic(clientId)])],
      body: encode({ grant_type: JWT_BEARER, assertion, ...form }),
    });
  }

  async exchange(change: AssertionChange = {}, asking: Asking = {}): Promise<Answer> {
    return this.send(await this.assertion(change), asking);
  }

  /** Refusals in the log. */
  get refusals(): readonly LogEvent[] {
    return this.login.events.filter(({ event }) => event === 'login_token_refused');
  }
}

export function goodClaims(): Members {
  made += 1;
  const now = Math.floor(Date.now() / 1000);
  return {
    jti: `assertion-${made}`,
    iss: IDP,
    sub: 'ann',
    aud: ISSUER,
    client_id: AGENT,
    resource: RESOURCE,
    scope: 'mcp:read mcp:write',
    iat: now,
    exp: now + 300,
    email: 'ann@example.com',
    email_verified: true,
  };
}

export function basic(clientId: string, secret = SECRET): string {
  const pair = [clientId, secret].map((part) => encodeURIComponent(part)).join(':');
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** `state`: of the keys of the issuer, from the start on. */
export async function startAsserting(
  context: TestContext,
  options: Partial<LoginOptions> = {},
  state: JwksState = 'up',
): Promise<Asserting> {
  const issuer = await startTestIssuer(context, new FakeClock(), issuerKey('ES256', 'key-1'));
  issuer.state = state;
  const login = await startLogin(context, { options: { ...assertionOptions(issuer), ...options } });
  return new Asserting(login, issuer);
}

export function assertionOptions({ jwksUri }: TestIssuer): Pick<LoginOptions, 'clients' | 'identityAssertions'> {
  return {
    clients: { dynamicRegistration: true, metadataDocuments: 'off', redirectUris: ['loopback'], static: CLIENTS },
    identityAssertions: [{ issuer: IDP, jwksUri, clientIds: [AGENT, 'public'] }],
  };
}

export function bodyOf({ status, text }: Answer): Members {
  return { status, ...parseObject(text) };
}

/** Without what differs each time. */
export function tokenResponse(answer: Answer): Members {
  const { access_token: token, ...rest } = bodyOf(answer);
  return { ...rest, token: typeof token };
}

export const GRANTED = { status: 200, token: 'string', expires_in: 900, token_type: 'Bearer', resource: RESOURCE };
export const BOTH = { ...GRANTED, scope: 'mcp:read mcp:write' };

/** As an independent resource server would, with the metadata and keys of the login. */
export async function validate(
  login: Login,
  scheme: 'Bearer' | 'DPoP',
  token: string,
  proof?: string,
): Promise<unknown> {
  const fetchKeys = async (url: string): Promise<Response> => {
    const { status, text } = await login.ask({ target: new URL(url).pathname });
    return new Response(text, { status, headers: { 'content-type': 'application/json' } });
  };
  const authorization = `${scheme} ${token}`;
  const headers = { authorization, ...(proof !== undefined && { dpop: proof }) };
  const server = { issuer: ISSUER, jwks_uri: `${ISSUER}/oauth/jwks` };
  return validateJwtAccessToken(server, new Request(RESOURCE, { headers, method: 'POST' }), RESOURCE, {
    [customFetch]: fetchKeys,
  });
}

export type Expected = readonly [reason: string, evidence?: Readonly<Record<string, unknown>>];

/** All that the client learns, all that the owner learns, and that the assertion is nowhere. */
export async function assertRefused(
  asserting: Asserting,
  assertion: string,
  [reason, evidence = {}]: Expected,
): Promise<void> {
  const answer = await asserting.send(assertion);
  assert.deepEqual(bodyOf(answer), { status: 400, ...REFUSED });
  assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
  const [refusal, ...more] = asserting.refusals;
  const { error, oauth_client: client, detail, request_id: requestId, ...fields } = refusal?.fields ?? {};
  assert.match(String(requestId), /^request-\d+$/);
  assert.deepEqual(more, []);
  assert.deepEqual(
    { error, client, detail },
    { error: 'invalid_grant', client: AGENT, detail: REFUSED.error_description },
  );
  const { expected, actual, ...rest } = { expected: undefined, actual: undefined, ...fields };
  assert.deepEqual({ ...rest, ...evidence }, { reason, ...evidence });
  assert.deepEqual({ expected, actual, ...evidence }, { expected, actual });
  const parts = assertion.split('.').filter((part) => part.length > 16);
  assert.ok(
    !parts.some((part) => JSON.stringify(asserting.login.events).includes(part)),
    'the assertion is in the log',
  );
}

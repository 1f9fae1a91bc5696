/** The tokens of identity providers (test/support/token-shapes), let in by `idp.preset` and by no more than it says. RFC 9068 §2.2. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { z } from 'zod';
import { PRESET_NAMES } from '../../src/config/presets.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bearer, bodyOf, formatConfig, startTestObex } from '../support/obex.ts';
import { startRecordingBackend } from '../support/recording-backend.ts';
import { startTestIssuer } from '../support/test-issuer.ts';

const SHAPES = join(import.meta.dirname, '../support/token-shapes');

const Shape = z.object({
  tokens: z.record(
    z.string(),
    z.object({ header: z.looseObject({ typ: z.string().optional() }), claims: z.looseObject({ iss: z.string() }) }),
  ),
});

type Token = z.output<typeof Shape>['tokens'][string];

interface Case {
  /** More lines of sections than the issuer. */
  readonly resource?: string;
  readonly idp?: string;
  readonly required?: string;
  /** `client: scopes` as the backend is told, or the reason of the refusal, by purpose of the token. */
  readonly with: Readonly<Record<string, string>>;
  /** What is different without the preset. */
  readonly without: Readonly<Record<string, string>>;
}

const CASES: Readonly<Record<(typeof PRESET_NAMES)[number], Case>> = {
  keycloak: {
    required: 'mcp:read',
    with: { client_credentials: 'my-client: email mcp:read profile', user: 'my-mcp-client: email mcp:read profile' },
    without: {},
  },
  auth0: {
    required: 'mcp:read',
    with: {
      client_credentials: 'my-client: mcp:read',
      user: 'my-mcp-client: mcp:read openid profile',
      user_rfc9068: 'my-mcp-client: mcp:read openid profile',
    },
    without: {},
  },
  okta: {
    resource: 'audiences: ["api://default"]',
    required: 'mcp:read',
    with: {
      client_credentials: 'my-client: mcp:read',
      user: 'my-mcp-client: mcp:read openid',
      user_dpop: 'token_not_bound',
    },
    without: {},
  },
  entra: {
    resource: `audiences: ["00001111-aaaa-2222-bbbb-3333cccc4444", "api://00001111-aaaa-2222-bbbb-3333cccc4444"]
scope_prefix: "api://00001111-aaaa-2222-bbbb-3333cccc4444/"`,
    required: 'mcp.read',
    with: {
      v1_user: '11112222-bbbb-3333-cccc-4444dddd5555: mcp.read',
      v1_client_credentials: '11112222-bbbb-3333-cccc-4444dddd5555: mcp.read',
      v2_user: '11112222-bbbb-3333-cccc-4444dddd5555: mcp.read',
      v2_client_credentials: '11112222-bbbb-3333-cccc-4444dddd5555: mcp.read',
      v2_user_with_roles: '11112222-bbbb-3333-cccc-4444dddd5555: mcp.read',
    },
    without: { v1_client_credentials: 'insufficient_scope', v2_client_credentials: 'insufficient_scope' },
  },
  cognito: {
    resource: 'audiences: [my-client, my-mcp-client]\nscope_prefix: "my-api/"',
    required: 'mcp.read',
    with: { client_credentials: 'my-client: mcp.read', user: 'my-mcp-client: mcp.read openid', id_token: 'id_token' },
    without: { client_credentials: 'invalid_token', user: 'invalid_token' },
  },
  authentik: {
    resource: 'audiences: [my-client, my-mcp-client]',
    with: { client_credentials: 'my-client: ', user: 'my-mcp-client: ', id_token: 'id_token' },
    without: {},
  },
  zitadel: {
    resource: 'audiences: ["344374183645413380"]',
    required: 'mcp:read',
    with: { client_credentials: 'my-client: mcp:read', user: '355555555555555555@my-project: mcp:read' },
    without: { client_credentials: 'insufficient_scope', user: 'insufficient_scope' },
  },
  dex: {
    resource: 'audiences: [my-mcp-client]',
    // Never by a preset: whoever gets hold of an ID token is let in.
    idp: 'dangerously_accept_id_tokens: true',
    with: { user: ': ', id_token: ': ' },
    without: {},
  },
  hydra: {
    required: 'mcp:read',
    with: { client_credentials: 'my-client: mcp:read', user: 'my-mcp-client: mcp:read offline_access' },
    without: {},
  },
  spring: {
    resource: 'audiences: [my-client, my-mcp-client]',
    required: 'mcp:read',
    with: { client_credentials: ': mcp:read', user: ': mcp:read openid', id_token: 'insufficient_scope' },
    without: {},
  },
};

function shapesOf(name: string): Readonly<Record<string, Token>> {
  return Shape.parse(JSON.parse(readFileSync(join(SHAPES, `${name}.json`), 'utf8'))).tokens;
}

interface Options extends Omit<Case, 'with' | 'without'> {
  readonly preset?: string;
}

/** Sends each token, as its issuer makes it but for the key and the time. */
async function judge(
  context: TestContext,
  tokens: Readonly<Record<string, Token>>,
  { preset, resource = '', idp = '', required }: Options,
): Promise<Readonly<Record<string, string>>> {
  const clock = new FakeClock();
  const backend = await startRecordingBackend(context);
  const issuer = await startTestIssuer(context, clock);
  const [url = '', ...aliases] = new Set(Object.values(tokens).map(({ claims }) => claims.iss));
  const lines = [idp, `issuer_aliases: ${JSON.stringify(aliases)}`, preset === undefined ? '' : `preset: ${preset}`];
  const authz = required === undefined ? {} : { authz: `required_scopes: ["${required}"]` };
  const sections = { resource, idp: lines.filter((line) => line !== '').join('\n'), ...authz };
  const obex = await startTestObex(
    context,
    formatConfig({ backend, issuer: { url, jwksUri: issuer.jwksUri }, sections }),
    clock,
  );
  await obex.event('jwks_fetched');
  const now = clock.nowSeconds;
  const outcomes: Record<string, string> = {};
  for (const [purpose, { header, claims }] of Object.entries(tokens)) {
    const own = { aud: undefined, sub: undefined, client_id: undefined, scope: undefined, ...claims };
    const times = { iat: now, exp: now + 300, ...(claims['nbf'] === undefined ? {} : { nbf: now }) };
    const token = await issuer.token({ claims: { ...own, ...times }, header: { typ: header.typ } });
    const response = await obex.send({ lines: [bearer(token)] });
    const seen = backend.requests.at(-1);
    outcomes[purpose] =
      response.status === 200
        ? `${seen?.values('x-obex-client').join('') ?? ''}: ${seen?.values('x-obex-scopes').join('') ?? ''}`
        : String(bodyOf(response)['reason']);
  }
  return outcomes;
}

describe('idp.preset', () => {
  for (const name of PRESET_NAMES) {
    const { with: expected, without, ...options } = CASES[name];
    it(`${name}: lets in the access tokens recorded of it, and nothing else`, async (context) => {
      assert.deepEqual(await judge(context, shapesOf(name), { ...options, preset: name }), expected);
    });

    it(`${name}: ${Object.keys(without).length === 0 ? 'reads as is done without' : 'is needed for them'}`, async (context) => {
      assert.deepEqual(await judge(context, shapesOf(name), options), { ...expected, ...without });
    });

    it(`${name}: lets in no token for another audience, and none without the scope`, async (context) => {
      const foreign = Object.entries(shapesOf(name)).map(([purpose, { header, claims }]): [string, Token] => {
        const aud = claims['aud'] === undefined ? {} : { aud: 'somebody-else' };
        const client = claims['aud'] === undefined ? { client_id: 'somebody-else' } : {};
        return [purpose, { header, claims: { ...claims, ...aud, ...client } }];
      });
      const outcomes = await judge(context, Object.fromEntries(foreign), { ...options, preset: name });
      for (const [purpose, outcome] of Object.entries(outcomes)) assert.match(outcome, /^[a-z_]+$/, purpose);
      if (options.required === undefined) return;
      const other = await judge(context, shapesOf(name), { ...options, preset: name, required: 'mcp:admin' });
      for (const [purpose, outcome] of Object.entries(other)) assert.match(outcome, /^[a-z_]+$/, purpose);
    });
  }

  it('zitadel: a role of that name in another project is none', async (context) => {
    const tokens = Object.entries(shapesOf('zitadel')).map(([purpose, { header, claims }]): [string, Token] => {
      const { 'urn:zitadel:iam:org:project:344374183645413380:roles': roles, ...others } = claims;
      const elsewhere = {
        ...others,
        'urn:zitadel:iam:org:project:999:roles': roles,
        'urn:zitadel:iam:org:project:roles': roles,
      };
      return [purpose, { header, claims: elsewhere }];
    });
    const outcomes = await judge(context, Object.fromEntries(tokens), { ...CASES.zitadel, preset: 'zitadel' });
    assert.deepEqual(outcomes, { client_credentials: 'insufficient_scope', user: 'insufficient_scope' });
  });

  it('dex: without the word of its owner every token is refused', async (context) => {
    const outcomes = await judge(context, shapesOf('dex'), { ...CASES.dex, idp: '', preset: 'dex' });
    assert.deepEqual(outcomes, { user: 'id_token', id_token: 'id_token' });
  });
});

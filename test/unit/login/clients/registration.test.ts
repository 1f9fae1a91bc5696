/** Dynamic registration. RFC 7591 §2, §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registerClient as registerWithSdk2 } from '@modelcontextprotocol/client';
import { OAuthClientInformationFullSchema } from '@modelcontextprotocol/sdk/shared/auth.js';
import { createClientIds } from '../../../../src/login/clients/client-id.ts';
import { createRedirectPolicy } from '../../../../src/login/clients/redirect-uris.ts';
import { type RegistrationAnswer, registerClient } from '../../../../src/login/clients/registration.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const CLAUDE = 'https://claude.ai/api/mcp/auth_callback';
const LOCAL = 'http://localhost:3334/oauth/callback';
const clock = new FakeClock();
const clientIds = createClientIds({ key: Buffer.alloc(32, 1), clock });
const policy = createRedirectPolicy(['loopback', CLAUDE]);
const options = { policy, clientIds, scopes: ['mcp:read', 'mcp:write'] };

function register(metadata: unknown, scopes = options.scopes): RegistrationAnswer {
  return registerText(JSON.stringify(metadata), scopes);
}

function registerText(text: string, scopes = options.scopes): RegistrationAnswer {
  return registerClient(Buffer.from(text), { ...options, scopes });
}

/** The whole answer but for the client id, which is another each time. */
function registered(answer: RegistrationAnswer): { readonly clientId: string; readonly rest: object } {
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  const { client_id: clientId, ...rest } = answer.body;
  return { clientId, rest };
}

const NORMALISED = {
  client_id_issued_at: clock.nowSeconds,
  redirect_uris: [LOCAL],
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'mcp:read mcp:write',
};

describe('RFC 7591 §3.2.1: the server may replace what a client asks for', () => {
  it('registers the least that a client can say', () => {
    const { clientId, rest } = registered(register({ redirect_uris: [LOCAL] }));
    assert.deepEqual(rest, NORMALISED);
    assert.deepEqual(clientIds.open(clientId), { redirectUris: [LOCAL], name: undefined, created: clock.nowSeconds });
  });

  it('answers what it registered, and nothing of what it does not look at', () => {
    const { clientId, rest } = registered(
      register({
        redirect_uris: [LOCAL, CLAUDE, LOCAL],
        client_name: 'Claude Code (files)',
        scope: 'openid mcp:write offline_access',
        application_type: 'web',
        token_endpoint_auth_method: 'private_key_jwt',
        grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        response_types: ['token', 'id_token'],
        client_id: 'admin',
        client_secret: 'secret',
        client_secret_expires_at: 0,
        client_uri: '',
        contacts: null,
        default_max_age: 'x',
        jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
        jwks_uri: 'http://169.254.169.254/latest/meta-data/',
        logo_uri: 'https://evil.example/track.png',
        policy_uri: 'javascript:alert(1)',
        sector_identifier_uri: 'http://169.254.169.254/',
        software_id: '4NRB1-0XZABZI9E6-5SM3R',
        software_statement: 'e30.e30.',
        tos_uri: null,
      }),
    );
    const answer = {
      ...NORMALISED,
      redirect_uris: [LOCAL, CLAUDE],
      client_name: 'Claude Code (files)',
      scope: 'mcp:write',
    };
    assert.deepEqual(rest, answer);
    assert.deepEqual(clientIds.open(clientId)?.redirectUris, [LOCAL, CLAUDE]);
    assert.equal(clientIds.open(clientId)?.name, 'Claude Code (files)');
  });

  for (const method of [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    7,
  ]) {
    it(`makes a public client of one that asks for ${method}`, () => {
      const { rest } = registered(register({ redirect_uris: [LOCAL], token_endpoint_auth_method: method }));
      assert.deepEqual(rest, NORMALISED);
    });
  }

  const SCOPES: readonly (readonly [scope: unknown, registered: string])[] = [
    ['mcp:read', 'mcp:read'],
    ['mcp:write mcp:read', 'mcp:read mcp:write'],
    ['mcp:read  mcp:read', 'mcp:read'],
    ['openid profile', 'mcp:read mcp:write'],
    ['', 'mcp:read mcp:write'],
    [null, 'mcp:read mcp:write'],
    ['MCP:READ mcp:read\tmcp:write', 'mcp:read mcp:write'],
  ];
  for (const [scope, expected] of SCOPES) {
    it(`registers the known scopes of ${JSON.stringify(scope)}`, () => {
      assert.deepEqual(registered(register({ redirect_uris: [LOCAL], scope })).rest, {
        ...NORMALISED,
        scope: expected,
      });
    });
  }

  it('writes no empty member: SDKs refuse it', () => {
    const { rest } = registered(register({ redirect_uris: [LOCAL], client_name: ' \u202e\u200b ', scope: '' }, []));
    const { scope: _, ...withoutScope } = NORMALISED;
    assert.deepEqual(rest, withoutScope);
  });

  it('§5: a name has no character that is not seen, and an end', () => {
    const name = `Claude\u202e edoC\u0000\n${'x'.repeat(60_000)}`;
    const { clientId } = registered(register({ redirect_uris: [LOCAL], client_name: name }));
    const kept = clientIds.open(clientId)?.name ?? '';
    assert.ok(kept.startsWith('Claude'), kept);
    assert.ok(kept.length <= 100, `${kept.length} characters`);
    assert.doesNotMatch(kept, /[\p{Cc}\p{Cf}]/u);
  });

  it('takes ten redirect URIs', () => {
    const uris = Array.from({ length: 10 }, (_, port) => `http://localhost:${port + 1}/cb`);
    assert.deepEqual(registered(register({ redirect_uris: uris })).rest, { ...NORMALISED, redirect_uris: uris });
  });
});

describe('RFC 7591 §3.2.2: refusals', () => {
  const NO_OBJECT = 'the body has to be one JSON object, no member twice';
  for (const text of [
    '',
    'null',
    '[]',
    '"x"',
    '{',
    '{"redirect_uris":["http://localhost/"],}',
    '{"a":1,"a":1}',
    '{"a":{"b":1,"b":2}}',
    '\ufeff{}',
    '['.repeat(50_000),
  ]) {
    it(`refuses ${text.slice(0, 50)} as a body`, () => {
      assert.deepEqual(registerText(text), {
        status: 400,
        body: { error: 'invalid_client_metadata', error_description: NO_OBJECT },
      });
    });
  }

  it('refuses bytes that are no UTF-8', () => {
    const body = Buffer.concat([
      Buffer.from(`{"redirect_uris":["${LOCAL}"],"x":"`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    assert.deepEqual(registerClient(body, options), {
      status: 400,
      body: { error: 'invalid_client_metadata', error_description: NO_OBJECT },
    });
  });

  for (const member of ['client_name', 'scope']) {
    for (const value of [7, true, ['mcp:read'], { a: 'b' }]) {
      it(`refuses ${JSON.stringify(value)} as ${member}`, () => {
        assert.deepEqual(register({ redirect_uris: [LOCAL], [member]: value }), {
          status: 400,
          body: { error: 'invalid_client_metadata', error_description: `${member} has to be a string` },
        });
      });
    }
  }

  for (const uris of [undefined, null, [], LOCAL, {}, [7], [LOCAL, null], [[LOCAL]]]) {
    it(`refuses ${JSON.stringify(uris)} as redirect_uris`, () => {
      assert.deepEqual(register({ redirect_uris: uris }), {
        status: 400,
        body: {
          error: 'invalid_redirect_uri',
          error_description: 'redirect_uris has to be a list of at least one redirect URI',
        },
      });
    });
  }

  it('refuses more than ten, without looking at them', () => {
    const uris = Array.from({ length: 11 }, () => LOCAL);
    assert.deepEqual(register({ redirect_uris: uris }), {
      status: 400,
      body: { error: 'invalid_redirect_uri', error_description: 'redirect_uris has more than 10 redirect URIs' },
    });
  });

  it('refuses more than 2 KB together', () => {
    const uris = Array.from({ length: 5 }, (_, index) => `http://localhost/${index}${'a'.repeat(450)}`);
    assert.deepEqual(register({ redirect_uris: uris }), {
      status: 400,
      body: {
        error: 'invalid_client_metadata',
        error_description: 'redirect_uris and client_name are longer than 2 KB together',
      },
    });
  });

  const FOREIGN: readonly (readonly [uri: string, shown: string])[] = [
    ['https://evil.example/cb', 'https://evil.example/cb'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['http://evil/"\\<b>\u202e\n', 'http://evil/%22%5C%3Cb%3E%E2%80%AE%0A'],
    ['\ud800', '%EF%BF%BD'],
    [`x:${'y'.repeat(50_000)}`, `x:${'y'.repeat(98)}...`],
  ];
  for (const [uri, shown] of FOREIGN) {
    it(`one redirect URI outside the list refuses the registration: ${JSON.stringify(uri).slice(0, 40)}`, () => {
      assert.deepEqual(register({ redirect_uris: [LOCAL, uri] }), {
        status: 400,
        body: {
          error: 'invalid_redirect_uri',
          error_description: `not allowed as a redirect URI: ${shown}; who runs this server allows redirect URIs in login.clients.redirect_uris`,
        },
      });
    });
  }

  it('RFC 6749 §5.2: no description has a quote, a backslash or what is not ASCII', () => {
    const characters = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
    for (const character of characters) {
      const { body } = register({ redirect_uris: [`http://${character}`] });
      assert.match('error_description' in body ? body.error_description : '', /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });
});

describe('the SDKs of MCP', () => {
  const METADATA = {
    redirect_uris: [LOCAL],
    client_name: 'Client',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };

  it('1.x reads the answer', () => {
    const { status, body } = register(METADATA);
    assert.equal(status, 201);
    const { application_type: _, ...kept } = { ...body, application_type: undefined };
    assert.deepEqual(OAuthClientInformationFullSchema.parse(JSON.parse(JSON.stringify(body))), kept);
  });

  it('2.x registers', async () => {
    let answered: RegistrationAnswer['body'] | undefined;
    const information = await registerWithSdk2('https://mcp.example.com', {
      clientMetadata: METADATA,
      fetchFn: async (_url, init) => {
        const { status, body } = registerText(typeof init?.body === 'string' ? init.body : '');
        answered = body;
        return Response.json(body, { status });
      },
    });
    assert.ok(answered && 'client_id' in answered);
    assert.equal(information.client_id, answered.client_id);
    assert.equal(information.client_secret, undefined);
    assert.equal(information.token_endpoint_auth_method, 'none');
    assert.deepEqual(information.redirect_uris, [LOCAL]);
  });
});

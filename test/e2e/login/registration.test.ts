/** Attacks on dynamic registration. RFC 7591 §2, §3.2, §5, RFC 6749 §10.2, MCP security best practices. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, logIn, REDIRECT_URI, register, showConsent, textIn } from '../../support/login-client.ts';
import { type Answer, errorOf, fieldOf, type Login, startLogin } from '../../support/login-server.ts';

async function assertNothingDone(login: Login): Promise<void> {
  assert.deepEqual(await login.stored(), {});
  assert.equal(login.idp.requests.length, 0);
}

function assertPrintable({ text }: Answer): void {
  // RFC 6749 §5.2: error_description MUST NOT include characters outside %x20-21 / %x23-5B / %x5D-7E.
  assert.match(String(parseObject(text)['error_description']), /^[ !#-[\]-~]{1,400}$/);
  assert.ok(!/[<>]/.test(text));
}

const uri = (value: unknown): unknown => ({ redirect_uris: [value] });

const METADATA: readonly (readonly [name: string, body: unknown])[] = [
  ['no body', ''],
  ['no JSON', 'client_name=x'],
  ['a list', []],
  ['a list of clients', [{ redirect_uris: [REDIRECT_URI] }]],
  ['null', null],
  ['a number', 5],
  ['a text', '"x"'],
  ['JSON that ends early', '{"redirect_uris":["http://127.0.0.1/cb"]'],
  ['JSON and more', '{"redirect_uris":["http://127.0.0.1/cb"]}{}'],
  ['a member twice', '{"redirect_uris":["http://127.0.0.1/cb"],"redirect_uris":["https://evil.example/cb"]}'],
  ['JSON 30,000 deep', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ['a name that is a number', { client_name: 5, redirect_uris: [REDIRECT_URI] }],
  ['a name that is an object', { client_name: { en: 'x' }, redirect_uris: [REDIRECT_URI] }],
  ['a scope that is a list', { scope: ['mcp:read'], redirect_uris: [REDIRECT_URI] }],
  [
    'more than an id can hold',
    { redirect_uris: Array.from({ length: 9 }, (_, i) => `http://127.0.0.1/${i}${'x'.repeat(480)}`) },
  ],
];

const URIS: readonly (readonly [name: string, body: unknown])[] = [
  ['no redirect URI', {}],
  ['an empty list', { redirect_uris: [] }],
  ['a text in place of the list', { redirect_uris: REDIRECT_URI }],
  ['an object in place of the list', { redirect_uris: { 0: REDIRECT_URI, length: 1 } }],
  ['null in the list', uri(null)],
  ['a list in the list', uri([REDIRECT_URI])],
  ['an empty redirect URI', uri('')],
  ['1,000 redirect URIs', { redirect_uris: Array.from({ length: 1_000 }, (_, i) => `http://127.0.0.1/${i}`) }],
  ['a good one and a bad one', { redirect_uris: [REDIRECT_URI, 'https://evil.example/cb'] }],
  ['https elsewhere', uri('https://evil.example/cb')],
  ['http elsewhere', uri('http://evil.example/cb')],
  ['https on loopback', uri('https://127.0.0.1/cb')],
  ['a scheme of its own', uri('com.example.app:/cb')],
  ['javascript:', uri('javascript:alert(1)')],
  ['JavaScript: in another case', uri('JaVaScRiPt:alert(1)')],
  ['data:', uri('data:text/html,<script>alert(1)</script>')],
  ['file:', uri('file:///etc/passwd')],
  ['blob:', uri('blob:http://127.0.0.1/x')],
  ['view-source:', uri('view-source:http://127.0.0.1/')],
  ['urn:ietf:wg:oauth:2.0:oob', uri('urn:ietf:wg:oauth:2.0:oob')],
  ['a fragment', uri('http://127.0.0.1/cb#x')],
  ['userinfo', uri('http://user@127.0.0.1/cb')],
  ['a host behind userinfo', uri('http://127.0.0.1@evil.example/cb')],
  ['a backslash', uri('http://evil.example\\@127.0.0.1/cb')],
  ['a host that begins like loopback', uri('http://127.0.0.1.evil.example/cb')],
  ['localhost of somebody', uri('http://localhost.evil.example/cb')],
  ['another spelling of loopback', uri('http://127.1/cb')],
  ['0.0.0.0', uri('http://0.0.0.0/cb')],
  ['a port beyond', uri('http://127.0.0.1:65536/cb')],
  ['a space', uri('http://127.0.0.1/c b')],
  ['a line end', uri('http://127.0.0.1/cb\r\nX: y')],
  ['a letter beyond ASCII', uri('http://127.0.0.1/c\u00fc')],
  ['a wildcard', uri('http://*/cb')],
  ['a relative one', uri('/cb')],
  ['markup', uri('"><script>alert(1)</script>')],
  ['one of 60,000 characters', uri(`http://127.0.0.1/${'x'.repeat(60_000)}`)],
];

describe('RFC 7591 §3.2.2: metadata that cannot be are refused, and nothing is stored or fetched', () => {
  for (const [error, table] of [
    ['invalid_client_metadata', METADATA],
    ['invalid_redirect_uri', URIS],
  ] as const) {
    for (const [name, body] of table) {
      it(`refuses ${name}`, async (context) => {
        const login = await startLogin(context);
        const answer = await register(login, body);
        assert.deepEqual(errorOf(answer), { status: 400, error });
        assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
        assertPrintable(answer);
        await assertNothingDone(login);
      });
    }
  }

  it('refuses bytes that are no UTF-8, and 64 KB of anything', async (context) => {
    const login = await startLogin(context);
    for (const body of [Buffer.from([0x7b, 0xff, 0x7d]), Buffer.alloc(65_536, 0x20), Buffer.alloc(65_536, 0x7b)]) {
      const answer = await login.ask({ method: 'POST', target: '/oauth/register', body });
      assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid_client_metadata' });
    }
    await assertNothingDone(login);
  });

  it('takes a POST alone, and none where the owner has none', async (context) => {
    const login = await startLogin(context);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await login.ask({ method, target: '/oauth/register' });
      assert.deepEqual([answer.status, fieldOf(answer, 'allow')], [405, 'POST']);
    }
    const { status } = await login.ask({ method: 'PUT', target: '/oauth/register/obex-x' });
    assert.equal(status, 404);
    await login.server.configure({
      ...login.options,
      clients: { ...login.options.clients, dynamicRegistration: false },
    });
    assert.equal((await register(login, uri(REDIRECT_URI))).status, 404);
    const metadata = await login.ask({ target: '/.well-known/oauth-authorization-server' });
    assert.equal(parseObject(metadata.text)['registration_endpoint'], undefined);
  });
});

describe('RFC 7591 §3.2.1: the server MAY replace what a client asked for: every one is public', () => {
  const ASKED: readonly (readonly [name: string, more: Readonly<Record<string, unknown>>])[] = [
    ['a secret in the body', { token_endpoint_auth_method: 'client_secret_post', client_secret: 'mine' }],
    ['a key', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }],
    [
      'keys from elsewhere',
      { jwks_uri: 'http://169.254.169.254/latest/meta-data', token_endpoint_auth_method: 'private_key_jwt' },
    ],
    ['TLS', { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=x' }],
    [
      'other grants',
      { grant_types: ['implicit', 'password', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code'] },
    ],
    ['other responses', { response_types: ['token', 'id_token', 'code token'] }],
    [
      'a web client',
      { application_type: 'web', subject_type: 'pairwise', sector_identifier_uri: 'http://169.254.169.254/' },
    ],
    [
      'an id of its choice',
      { client_id: 'obex', client_id_issued_at: 1, client_secret_expires_at: 0, registration_access_token: 'x' },
    ],
    [
      'pictures and addresses',
      { logo_uri: 'javascript:alert(1)', client_uri: 'http://169.254.169.254/', policy_uri: 'x', tos_uri: 'x' },
    ],
    [
      'a statement',
      { software_statement: 'x.y.z', software_id: '<script>', initiate_login_uri: 'http://169.254.169.254/' },
    ],
    [
      'request objects',
      { request_uris: ['http://169.254.169.254/'], require_signed_request_object: true, dpop_bound_access_tokens: 'x' },
    ],
    ['members of Object', JSON.parse('{"__proto__":{"client_secret":"x"},"constructor":{"prototype":{}}}')],
    ['null where nothing is', { client_name: null, scope: null, logo_uri: null }],
  ];
  for (const [name, more] of ASKED) {
    it(`gives a public client to one that asks for ${name}`, async (context) => {
      const login = await startLogin(context);
      const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] }).replace(/}$/, `,${JSON.stringify(more).slice(1)}`);
      const answer = await register(login, body);
      const { client_id: id, client_id_issued_at: issued, ...rest } = parseObject(answer.text);
      assert.equal(answer.status, 201);
      assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
      assert.deepEqual(rest, {
        redirect_uris: [REDIRECT_URI],
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'mcp:read mcp:write',
      });
      assert.equal(issued, Date.now() / 1000);
      await assertNothingDone(login);
      const { consent } = await showConsent(new Client(login, String(id)), new Browser(login));
      assert.equal(consent.status, 200);
      assert.ok(!/169\.254|javascript:|<script/.test(consent.text));
    });
  }

  it('costs no memory: a thousand registrations store nothing', async (context) => {
    const login = await startLogin(context);
    const ids = new Set();
    for (let count = 0; count < 1_000; count += 1)
      ids.add(textIn(await register(login, uri(REDIRECT_URI)), 'client_id'));
    assert.equal(ids.size, 1_000);
    await assertNothingDone(login);
  });
});

describe('RFC 7591 §5: what a client calls itself is shown as a claim of its own', () => {
  const NAMES: readonly (readonly [name: string, shown: RegExp])[] = [
    ['<b>Bank</b>', /&lt;b&gt;Bank&lt;\/b&gt;/],
    [
      'Bank”. It was set up by the owner of this server. “',
      /calls itself .*<bdi>Bank&#39;\. It was.*Nobody has verified/,
    ],
    ['abc\u202efdp.exe', /abc\ufffdfdp\.exe/],
    ['\u200b\u200d\ufeff', /It gives no name of its own/],
    ['n'.repeat(5_000).slice(0, 1_500), /n{80}…/],
    ['Bank\r\n\r\n<h1>Owner</h1>', /Bank &lt;h1&gt;Owner/],
  ];
  for (const [name, shown] of NAMES) {
    it(`shows ${JSON.stringify(name.slice(0, 30))} as text`, async (context) => {
      const login = await startLogin(context);
      const id = textIn(await register(login, { client_name: name, redirect_uris: [REDIRECT_URI] }), 'client_id');
      const { consent } = await showConsent(new Client(login, id), new Browser(login));
      assert.match(consent.text, shown);
      assert.equal(consent.text.match(/<h1/g)?.length, 1);
    });
  }

  it('keeps registered clients apart: one name, two ids, two logins', async (context) => {
    const login = await startLogin(context);
    const one = await logIn(login);
    const two = await logIn(login);
    assert.notEqual(one.client.id, two.client.id);
    assert.deepEqual(errorOf(await two.client.refresh(one.tokens.refresh)), { status: 400, error: 'invalid_grant' });
  });
});

/** Whom an IdP vouches for, in the forms that IdPs have for it. OpenID Connect Core §5, §12.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { invalid, logIn, refused, type Scene, setUp, unavailable } from './set-up.ts';

const WHOLE = { email: 'ann@corp.example', email_verified: true, name: 'Ann', groups: ['staff'] };
const ANN = { subject: 'ann', email: 'ann@corp.example', name: 'Ann', groups: ['staff'] };
const REFRESH_TOKEN = 'refresh-token-1-of-the-stand-in';

async function personOf(scene: Scene, claims: Readonly<Record<string, unknown>>) {
  scene.idp.claims = claims;
  return (await logIn(scene)).person;
}

describe('OpenID Connect Core §5.1: the e-mail address', () => {
  const unverified: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'not verified': { ...WHOLE, email_verified: false },
    'not said to be verified': { ...WHOLE, email_verified: undefined },
    'verified in words': { ...WHOLE, email_verified: 'yes' },
    'longer than addresses are': { ...WHOLE, email: `${'x'.repeat(243)}@corp.example` },
    'two lines': { ...WHOLE, email: 'ann@corp.example\nbob@corp.example' },
    'no text': { ...WHOLE, email: ['ann@corp.example'] },
  };
  for (const [how, claims] of Object.entries(unverified)) {
    it(`is none when it is ${how}`, async (context) => {
      assert.deepEqual(await personOf(await setUp(context), claims), { ...ANN, email: undefined });
    });
  }
});

describe('the groups', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `group-${index}`);
  const forms: Readonly<Record<string, readonly [claim: unknown, groups: readonly string[]]>> = {
    'one as text': ['staff admins', ['staff admins']],
    objects: [[{ name: 'staff' }, 7, null, 'devs'], ['devs']],
    'an object': [{ staff: true }, []],
    '10,000': [many, many.slice(0, 1_000)],
    'one of 257 characters': [['x'.repeat(257), 'y'.repeat(256)], ['y'.repeat(256)]],
    'some twice': [
      ['a', 'b', 'a'],
      ['a', 'b'],
    ],
    none: [[], []],
  };
  for (const [how, [claim, groups]] of Object.entries(forms)) {
    it(`come as ${how}`, async (context) => {
      assert.deepEqual(await personOf(await setUp(context), { ...WHOLE, groups: claim }), { ...ANN, groups });
    });
  }

  it('RFC 6901: stand where the configuration says', async (context) => {
    const scene = await setUp(context, { groupsClaim: '/realm_access/roles' });
    assert.deepEqual(await personOf(scene, { ...WHOLE, realm_access: { roles: ['ops'] } }), {
      ...ANN,
      groups: ['ops'],
    });
  });

  const overage: Readonly<Record<string, unknown>>[] = [
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } },
    { hasgroups: true },
  ];
  for (const claims of overage) {
    it(`§5.6.2: are none when they are elsewhere: ${Object.keys(claims)[0]}`, async (context) => {
      const scene = await setUp(context, { provider: 'entra' });
      assert.deepEqual(await personOf(scene, { ...WHOLE, ...claims }), { ...ANN, email: undefined, groups: [] });
    });
  }
});

describe('OpenID Connect Core §5.3: the userinfo endpoint', () => {
  it('is asked for what the ID token lacks', async (context) => {
    const scene = await setUp(context);
    scene.idp.userinfo = { body: { sub: 'ann', ...WHOLE, groups: ['other'] } };
    assert.deepEqual(await personOf(scene, { name: 'Ann Above', groups: ['staff'] }), { ...ANN, name: 'Ann Above' });
    assert.equal(scene.idp.requests('/userinfo')[0]?.authorization, 'Bearer access-token-of-the-stand-in');
  });

  it('§5.3.2: is not believed about somebody else', async (context) => {
    const scene = await setUp(context);
    scene.idp.userinfo = { body: { sub: 'bob', ...WHOLE } };
    await assert.rejects(logIn(scene), invalid(/unexpected "response" body "sub"/));
  });

  it('may have nothing for Obex, or not be there', async (context) => {
    const scene = await setUp(context);
    scene.idp.userinfo = { status: 403, body: {} };
    const bare = { subject: 'ann', email: undefined, name: undefined, groups: [] };
    assert.deepEqual((await logIn(scene)).person, bare);
    const other = await setUp(context);
    other.idp.metadata = { userinfo_endpoint: undefined };
    assert.deepEqual((await logIn(other)).person, bare);
  });

  it('says by a 401 that the person may not', async (context) => {
    const scene = await setUp(context);
    const headers = { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
    scene.idp.userinfo = { status: 401, body: {}, headers };
    await assert.rejects(logIn(scene), refused('invalid_token', 'the userinfo endpoint answers 401'));
  });

  for (const status of [429, 500]) {
    it(`is down with ${status}: nobody loses their groups for that`, async (context) => {
      const scene = await setUp(context);
      scene.idp.userinfo = { status };
      await assert.rejects(logIn(scene), unavailable(new RegExp(`/userinfo: expected status 200, got ${status}$`)));
    });
  }
});

describe('OpenID Connect Core §12.2: a refresh', () => {
  it('is answered with an ID token', async (context) => {
    const { idp, upstream } = await setUp(context);
    idp.claims = { ...WHOLE, nonce: undefined, groups: [] };
    idp.tokens = { refresh_token: 'refresh-token-2-of-the-stand-in' };
    assert.deepEqual(await upstream.refresh(REFRESH_TOKEN, ANN), {
      person: { ...ANN, groups: [] },
      refreshToken: 'refresh-token-2-of-the-stand-in',
    });
    const form = Object.fromEntries(idp.requests('/token')[0]?.form ?? []);
    assert.deepEqual(form, { grant_type: 'refresh_token', refresh_token: REFRESH_TOKEN });
  });

  it('is refused when the ID token is that of another person, or not signed by the IdP', async (context) => {
    const { idp, upstream } = await setUp(context);
    idp.claims = { ...WHOLE, sub: 'bob' };
    await assert.rejects(upstream.refresh(REFRESH_TOKEN, ANN), invalid(/another sub/));
    idp.claims = WHOLE;
    idp.header = { alg: 'none', kid: undefined };
    await assert.rejects(upstream.refresh(REFRESH_TOKEN, ANN), invalid(/"alg"/));
  });

  it('without an ID token asks the userinfo endpoint', async (context) => {
    const { idp, upstream } = await setUp(context);
    idp.tokens = { id_token: undefined };
    idp.userinfo = { body: { sub: 'ann', name: 'Ann B.' } };
    assert.deepEqual(await upstream.refresh(REFRESH_TOKEN, ANN), {
      person: { subject: 'ann', email: undefined, name: 'Ann B.', groups: [] },
      refreshToken: undefined,
    });
    idp.userinfo = { body: { sub: 'bob' } };
    await assert.rejects(upstream.refresh(REFRESH_TOKEN, ANN), invalid(/"sub"/));
  });

  it('with neither leaves the person as before', async (context) => {
    const { idp, upstream } = await setUp(context);
    idp.metadata = { userinfo_endpoint: undefined };
    idp.tokens = { id_token: undefined };
    assert.deepEqual(await upstream.refresh(REFRESH_TOKEN, ANN), { person: ANN, refreshToken: undefined });
  });
});

/** What is no assertion, or no good one: header, signature, form. RFC 7515 §5.2, RFC 7523 §3.1, RFC 8725 §2, §3. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { CompactEncrypt } from 'jose';
import { textIn } from '../../../support/login-client.ts';
import { RESOURCE } from '../../../support/login-server.ts';
import { issuerKey } from '../../../support/test-issuer.ts';
import {
  type AssertionChange,
  assertRefused,
  bodyOf,
  type Expected,
  goodClaims,
  JWT_BEARER,
  startAsserting,
} from './asserting.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an assertion with a header that does not hold', () => {
  const headers: Readonly<Record<string, readonly [header: AssertionChange['header'], ...Expected]>> = {
    'no typ': [{ typ: undefined }, 'wrong_type', { expected: 'oauth-id-jag+jwt', actual: 'nothing' }],
    'the typ of an access token': [{ typ: 'at+jwt' }, 'wrong_type', { actual: 'at+jwt' }],
    'the typ JWT, as ID tokens have': [{ typ: 'JWT' }, 'wrong_type'],
    'the typ in capitals': [{ typ: 'OAUTH-ID-JAG+JWT' }, 'wrong_type'],
    'the typ as a media type': [{ typ: 'application/oauth-id-jag+jwt' }, 'wrong_type'],
    'an unknown kid': [{ kid: 'key-2' }, 'unknown_key', { actual: 'ES256, kid key-2' }],
  };
  for (const [name, [header, ...expected]] of Object.entries(headers)) {
    it(`is refused: ${name}`, async (context) => {
      const asserting = await startAsserting(context);
      await assertRefused(asserting, await asserting.assertion({ header }), expected);
    });
  }

  it('is refused: alg none', async (context) => {
    const asserting = await startAsserting(context);
    const unsigned = `${encode({ alg: 'none', typ: 'oauth-id-jag+jwt' })}.${encode(goodClaims())}.`;
    await assertRefused(asserting, unsigned, ['unsupported_algorithm', { actual: 'none' }]);
  });

  it('is refused: HS256 with the public key for a secret (RFC 8725 §2.1)', async (context) => {
    const asserting = await startAsserting(context);
    const input = `${encode({ alg: 'HS256', kid: 'key-1', typ: 'oauth-id-jag+jwt' })}.${encode(goodClaims())}`;
    const pem = createPublicKey(asserting.issuer.key.privateKey).export({ format: 'pem', type: 'spki' });
    const signed = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
    await assertRefused(asserting, signed, ['unsupported_algorithm', { actual: 'HS256' }]);
  });

  it('is refused: the key of somebody else under the kid of the issuer', async (context) => {
    const asserting = await startAsserting(context);
    const key = issuerKey('ES256', 'of-somebody-else', 'key-1');
    await assertRefused(asserting, await asserting.assertion({ key }), ['invalid_signature']);
  });

  it('is refused: a key that it brings along (RFC 8725 §3.10)', async (context) => {
    const asserting = await startAsserting(context);
    const key = issuerKey('ES256', 'brought-along', 'key-1');
    await assertRefused(asserting, await asserting.assertion({ key, header: { jwk: key.jwk } }), ['invalid_signature']);
  });

  it('is refused: crit (RFC 7515 §4.1.11)', async (context) => {
    const asserting = await startAsserting(context);
    const header = encode({ alg: 'ES256', kid: 'key-1', typ: 'oauth-id-jag+jwt', crit: ['x'], x: 1 });
    const [, payload, signature] = (await asserting.assertion()).split('.');
    await assertRefused(asserting, `${header}.${payload}.${signature}`, [
      'malformed',
      { actual: 'crit in the header' },
    ]);
  });

  it('is refused: claims that were changed', async (context) => {
    const asserting = await startAsserting(context);
    const [header, , signature] = (await asserting.assertion()).split('.');
    const payload = encode({ ...goodClaims(), sub: 'the-boss' });
    await assertRefused(asserting, `${header}.${payload}.${signature}`, ['invalid_signature']);
  });
});

describe('what is no assertion', () => {
  const texts: Readonly<Record<string, () => string>> = {
    'a word': () => 'assertion',
    'one part': () => encode(goodClaims()),
    padding: () => `${encode({ alg: 'ES256' })}=.e30.e30`,
    'no JSON': () => 'YQ.YQ.YQ',
  };
  for (const [name, text] of Object.entries(texts)) {
    it(`is refused: ${name}`, async (context) => {
      await assertRefused(await startAsserting(context), text(), ['malformed']);
    });
  }

  it('is refused: more than 16 KiB', async (context) => {
    const asserting = await startAsserting(context);
    const large = await asserting.assertion({ claims: { x: 'x'.repeat(13_000) } });
    assert.ok(large.length > 16_384);
    await assertRefused(asserting, large, ['malformed', { actual: 'longer than 16 KiB' }]);
  });

  it('is refused: a member twice (RFC 8725 §2.4)', async (context) => {
    const asserting = await startAsserting(context);
    const payload = JSON.stringify(goodClaims()).replace('{', '{"sub":"the-boss",');
    const twice = await asserting.assertion({ payload });
    await assertRefused(asserting, twice, ['malformed', { actual: 'the payload is not a strict JSON object' }]);
  });

  it('is refused: an assertion that is encrypted', async (context) => {
    const asserting = await startAsserting(context);
    const inner = Buffer.from(await asserting.assertion());
    const header = { alg: 'dir', enc: 'A256GCM', typ: 'oauth-id-jag+jwt', cty: 'JWT' };
    const encrypted = await new CompactEncrypt(inner).setProtectedHeader(header).encrypt(new Uint8Array(32));
    await assertRefused(asserting, encrypted, ['malformed', { actual: 'not three parts' }]);
  });

  it('is refused: an assertion in an assertion', async (context) => {
    const asserting = await startAsserting(context);
    const nested = await asserting.assertion({ header: { cty: 'JWT' }, payload: await asserting.assertion() });
    await assertRefused(asserting, nested, ['malformed', { actual: 'the payload is not a strict JSON object' }]);
  });

  it('is refused: our own access token', async (context) => {
    const asserting = await startAsserting(context);
    const token = textIn(await asserting.exchange(), 'access_token');
    await assertRefused(asserting, token, ['wrong_type', { actual: 'at+jwt' }]);
  });
});

describe('a request that does not hold', () => {
  const refusals: Readonly<
    Record<string, readonly [form: Readonly<Record<string, string | readonly string[]>>, error: string]>
  > = {
    'another resource': [{ resource: 'https://other.example/mcp' }, 'invalid_target'],
    'two resources': [{ resource: [RESOURCE, RESOURCE] }, 'invalid_request'],
    'scopes that are none': [{ scope: ['mcp:read', 'mcp:read'] }, 'invalid_request'],
    'two grant types': [{ grant_type: [JWT_BEARER, JWT_BEARER] }, 'invalid_request'],
  };
  for (const [name, [form, expected]] of Object.entries(refusals)) {
    it(`is refused, and the assertion stays good: ${name}`, async (context) => {
      const asserting = await startAsserting(context);
      const assertion = await asserting.assertion();
      const answer = await asserting.send(assertion, { form });
      assert.deepEqual([answer.status, bodyOf(answer)['error']], [400, expected]);
      assert.equal((await asserting.send(assertion)).status, 200);
    });
  }

  it('is refused: no assertion, an empty one, two', async (context) => {
    const asserting = await startAsserting(context);
    const good = await asserting.assertion();
    for (const form of [{}, { assertion: '' }, { assertion: [good, good] }]) {
      const { status, error } = bodyOf(await asserting.send(undefined, { form }));
      assert.deepEqual({ status, error }, { status: 400, error: 'invalid_request' });
    }
  });
});

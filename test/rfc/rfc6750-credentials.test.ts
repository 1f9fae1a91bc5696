/** Where a client may put its token. RFC 6750 §2, RFC 9110 §11, RFC 9449 §7.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasAccessTokenQuery, parseCredentials } from '../../src/oauth/credentials.ts';
import { deny } from '../../src/oauth/denial.ts';

describe('RFC 6750 §2.1', () => {
  const accepted: readonly [string, 'Bearer' | 'DPoP', string][] = [
    ['Bearer abc', 'Bearer', 'abc'],
    ['bearer abc', 'Bearer', 'abc'],
    ['BEARER abc', 'Bearer', 'abc'],
    ['bEaReR   abc', 'Bearer', 'abc'],
    ['DPoP abc', 'DPoP', 'abc'],
    ['dpop abc', 'DPoP', 'abc'],
    ['Bearer a.b-c_d~e+f/g==', 'Bearer', 'a.b-c_d~e+f/g=='],
    ['Bearer not a token', 'Bearer', 'not a token'],
  ];
  for (const [value, scheme, accessToken] of accepted) {
    it(`reads ${JSON.stringify(value)}`, () => assert.deepEqual(parseCredentials([value]), { scheme, accessToken }));
  }

  const unknown = [
    '',
    'Bearer',
    'DPoP',
    'Bearerabc',
    'Bearer\tabc',
    'Basic dXNlcjpwYXNz',
    'Negotiate abc',
    'abc',
    ' abc',
    'Bearer, abc',
    'Bearer:abc abc',
    'B\u00e9arer abc',
  ];
  for (const value of unknown) {
    it(`takes ${JSON.stringify(value)} for no token`, () =>
      assert.deepEqual(
        parseCredentials([value]),
        deny('no_token', { detail: 'neither Bearer nor DPoP with a token' }),
      ));
  }

  it('takes a scheme followed by spaces only for no token', () => {
    assert.deepEqual(parseCredentials(['Bearer  ']), deny('no_token', { detail: 'a scheme without a token' }));
  });

  it('takes a missing field for no token', () => assert.deepEqual(parseCredentials([]), deny('no_token')));

  it('refuses two Authorization fields, equal ones too, whatever they hold', () => {
    const refusal = deny('malformed_authorization', { detail: 'more than one Authorization field' });
    assert.deepEqual(parseCredentials(['Bearer a', 'Bearer a']), refusal);
    assert.deepEqual(parseCredentials(['Basic a', 'Bearer b']), refusal);
    assert.deepEqual(parseCredentials(['', '']), refusal);
  });
});

describe('RFC 6750 §2.3', () => {
  const carrying = [
    '/mcp?access_token=abc',
    '/mcp?access_token',
    '/mcp?access_token=',
    '/mcp?a=b&access_token=abc',
    '/mcp?a=b;access_token=abc',
    '/mcp?&&access_token=abc',
    '/mcp?%61ccess_token=abc',
    '/mcp?access%5Ftoken=abc',
    '/mcp?access%5ftoken=abc',
    '/mcp?%61%63%63%65%73%73%5f%74%6f%6b%65%6e=abc',
    '/mcp?x=%zz&access_token=abc',
    '/?access_token=a=b',
  ];
  for (const target of carrying) {
    it(`finds the token in ${target}`, () => assert.equal(hasAccessTokenQuery(target), true));
  }

  const free = [
    '/mcp',
    '/mcp?',
    '/access_token',
    '/access_token=abc/?a=b',
    '/mcp?a=access_token',
    '/mcp?a=b%26access_token=abc',
    '/mcp?my_access_token=abc',
    '/mcp?access_token_type=abc',
    '/mcp?ACCESS_TOKEN=abc',
    '/mcp?%2561ccess_token=abc',
    '/mcp?%',
    '/mcp?%6',
  ];
  for (const target of free) {
    it(`finds none in ${target}`, () => assert.equal(hasAccessTokenQuery(target), false));
  }
});

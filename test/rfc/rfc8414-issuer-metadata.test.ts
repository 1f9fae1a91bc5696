/** Discovery of an issuer's keys. RFC 8414 §3, OpenID Connect Discovery 1.0 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkIssuerMetadata, isIssuerIdentifier, metadataUrls } from '../../src/oauth/issuer-metadata.ts';

describe('RFC 8414 §3.1, OpenID Connect Discovery §4.1', () => {
  const urls: readonly [string, string, string][] = [
    [
      'https://a.example',
      'https://a.example/.well-known/oauth-authorization-server',
      'https://a.example/.well-known/openid-configuration',
    ],
    [
      'https://a.example/',
      'https://a.example/.well-known/oauth-authorization-server',
      'https://a.example/.well-known/openid-configuration',
    ],
    [
      'https://a.example:8443/realms/x',
      'https://a.example:8443/.well-known/oauth-authorization-server/realms/x',
      'https://a.example:8443/realms/x/.well-known/openid-configuration',
    ],
    [
      'https://a.example/realms/x/',
      'https://a.example/.well-known/oauth-authorization-server/realms/x',
      'https://a.example/realms/x/.well-known/openid-configuration',
    ],
  ];
  for (const [issuer, oauth, openid] of urls) {
    it(`looks for the metadata of ${issuer}`, () => assert.deepEqual(metadataUrls(issuer), [oauth, openid]));
  }
});

describe('RFC 8414 §2: an issuer identifier', () => {
  it('is an https URL without query and fragment; http on loopback, or when told so', () => {
    for (const issuer of [
      'https://a.example',
      'https://a.example/realms/x',
      'http://localhost:9000',
      'HTTPS://a.example',
    ]) {
      assert.equal(isIssuerIdentifier(issuer, false), true, issuer);
    }
    for (const issuer of [
      'joe',
      'accounts.google.com',
      'urn:x',
      'https://a.example?x',
      'https://a.example#x',
      'https:x',
    ]) {
      assert.equal(isIssuerIdentifier(issuer, true), false, issuer);
    }
    assert.equal(isIssuerIdentifier('http://a.example', false), false);
    assert.equal(isIssuerIdentifier('http://a.example', true), true);
  });
});

describe('RFC 8414 §3.3', () => {
  const ISSUER = 'https://a.example/';
  const check = (jwksUri: unknown, issuer = ISSUER, allowHttp = false) =>
    checkIssuerMetadata({ issuer, jwks_uri: jwksUri }, { issuer, allowHttp, member: 'jwks_uri' });

  const naming = (issuer: unknown) =>
    checkIssuerMetadata(
      { issuer, jwks_uri: 'https://a.example/jwks' },
      { issuer: ISSUER, allowHttp: true, member: 'jwks_uri' },
    );
  for (const issuer of ['https://a.example', 'https://A.example/', 'https://b.example/', 'http://a.example/']) {
    it(`refuses metadata that names ${JSON.stringify(issuer)}, and says so`, () => {
      const name = JSON.stringify(issuer);
      assert.deepEqual(naming(issuer), {
        problem: `names ${name}; if that is the issuer that you trust, write issuer: ${name} under idp`,
      });
    });
  }
  for (const issuer of ['x"\n', 'joe', 'https://a.example?x', 'https:a.example']) {
    it(`refuses metadata that names ${JSON.stringify(issuer)}, and does not advise to believe it`, () =>
      assert.deepEqual(naming(issuer), { problem: `names ${JSON.stringify(issuer)}` }));
  }
  it('never advises to write the pattern that Entra has for all tenants', () => {
    const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0';
    assert.deepEqual(naming(issuer), {
      problem:
        `names "${issuer}", which stands for many tenants: write the issuer of your own tenant under idp, which is iss in ` +
        'its tokens',
    });
  });
  for (const issuer of [undefined, null, [ISSUER]]) {
    it(`refuses metadata that names ${JSON.stringify(issuer)}`, () =>
      assert.deepEqual(naming(issuer), { problem: 'names no issuer' }));
  }
  for (const json of [undefined, null, 'x', [], 1]) {
    it(`refuses ${JSON.stringify(json)}`, () =>
      assert.deepEqual(checkIssuerMetadata(json, { issuer: ISSUER, allowHttp: false, member: 'jwks_uri' }), {
        problem: 'holds no JSON object',
      }));
  }
  for (const jwksUri of [undefined, null, 1, '', '/jwks', 'jwks', ['https://a.example/jwks']]) {
    it(`refuses jwks_uri ${JSON.stringify(jwksUri)}`, () =>
      assert.deepEqual(check(jwksUri), { problem: 'has no jwks_uri that is a URL' }));
  }

  const insecure = { problem: 'has a jwks_uri that is not an https URL' };
  it('takes an https jwks_uri on any host, byte for byte', () => {
    assert.deepEqual(check('https://keys.example/a/../jwks?x=1'), { url: 'https://keys.example/a/../jwks?x=1' });
  });
  it('takes http only when told so, or when issuer and keys are both on loopback', () => {
    assert.deepEqual(check('http://a.example/jwks'), insecure);
    assert.deepEqual(check('http://127.0.0.1/jwks'), insecure);
    assert.deepEqual(check('http://a.example/jwks', 'http://localhost:9000'), insecure);
    assert.deepEqual(check('http://127.0.0.1:9000/jwks', 'http://localhost:9000'), {
      url: 'http://127.0.0.1:9000/jwks',
    });
    assert.deepEqual(check('http://a.example/jwks', ISSUER, true), { url: 'http://a.example/jwks' });
  });
  for (const userinfo of ['user@', 'user:password@', ':password@']) {
    it(`refuses credentials: ${userinfo}`, () =>
      assert.deepEqual(check(`https://${userinfo}keys.example/jwks`), {
        problem: 'has a jwks_uri with a user name or password in it',
      }));
  }
  it('reads any other URL by the same rules', () => {
    const named = { issuer: ISSUER, allowHttp: false, member: 'introspection_endpoint' } as const;
    const endpoint = (url: unknown) => checkIssuerMetadata({ issuer: ISSUER, introspection_endpoint: url }, named);
    assert.deepEqual(endpoint('https://a.example/introspect'), { url: 'https://a.example/introspect' });
    assert.deepEqual(endpoint(undefined), { problem: 'has no introspection_endpoint that is a URL' });
    assert.deepEqual(endpoint('http://a.example/i'), {
      problem: 'has an introspection_endpoint that is not an https URL',
    });
    assert.deepEqual(endpoint('https://user@a.example/i'), {
      problem: 'has an introspection_endpoint with a user name or password in it',
    });
  });
  for (const jwksUri of ['file:///etc/passwd', 'ftp://a.example/jwks', 'data:application/json,{}', 'javascript:1']) {
    it(`never takes ${jwksUri}`, () => assert.deepEqual(check(jwksUri, ISSUER, true), insecure));
  }
});

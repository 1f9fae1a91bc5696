/** Which parameters of clients reach the library. RFC 6749 §3.1, §3.3, RFC 8707 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asksForConsent, readAuthorizationRequest, readTokenRequest } from '../../../src/login/request-parameters.ts';

const RESOURCE = {
  resource: 'https://tools.example.com/mcp',
  scopesSupported: ['mcp:read', 'mcp:write'],
  requiredScopes: ['mcp:read'],
};
const PLAIN = 'client_id=c&redirect_uri=r&response_type=code&state=s&code_challenge=x&code_challenge_method=S256';

function authorization(query: string, resource = RESOURCE): string {
  return readAuthorizationRequest(query, [resource]).toString();
}

describe('RFC 6749 §3.1: parameters of an authorization request', () => {
  it('pass when they are known, and others are ignored', () => {
    const ours = `${PLAIN}&scope=mcp%3Aread+mcp%3Awrite&response_mode=query&dpop_jkt=j`;
    const others =
      '&request=a&request_uri=b&claims=%7B%7D&id_token_hint=d&registration=e&nonce=f&max_age=0&ui_locales=de';
    assert.equal(authorization(ours + others), ours);
  });

  it('that stand twice stay so, for the library to refuse them', () => {
    for (const twice of ['scope=a&scope=b', 'resource=a&resource=b', 'state=a&state=b', 'client_id=a&client_id=b']) {
      assert.ok(authorization(twice).includes(twice), twice);
    }
  });

  it('know one response mode; another is refused by the library, in the query', () => {
    for (const mode of ['form_post', 'fragment', 'web_message', 'jwt', '']) {
      assert.equal(new URLSearchParams(authorization(`response_mode=${mode}`)).get('response_mode'), 'unsupported');
    }
  });

  it('know one response type; the refusal of another comes in the query too', () => {
    for (const type of ['token', 'id_token', 'none', 'code%20token', '']) {
      const { searchParams } = new URL(`https://a/?${authorization(`response_type=${type}`)}`);
      assert.equal(searchParams.get('response_type'), 'unsupported');
    }
  });

  it('keep a prompt that forbids asking, and no other', () => {
    assert.equal(new URLSearchParams(authorization('prompt=none')).get('prompt'), 'none');
    for (const prompt of ['consent', 'login', 'select_account', 'login consent', '']) {
      assert.equal(new URLSearchParams(authorization(`prompt=${prompt}`)).has('prompt'), false);
      assert.equal(asksForConsent(`a=b&prompt=${prompt}`), prompt !== '');
    }
  });
});

describe('RFC 6749 §3.3: the scope of an authorization request', () => {
  const scopeOf = (query: string, resource = RESOURCE): string | null =>
    new URLSearchParams(authorization(query, resource)).get('scope');

  it('is what every request needs when the client names none of ours', () => {
    assert.equal(scopeOf(PLAIN), 'mcp:read');
    assert.equal(scopeOf('scope='), 'mcp:read');
    assert.equal(scopeOf('scope=openid%20offline_access'), 'mcp:read');
  });

  it('is everything where nothing is required', () => {
    assert.equal(scopeOf(PLAIN, { ...RESOURCE, requiredScopes: [] }), 'mcp:read mcp:write');
  });

  it('loses what is none of ours, and has what every request needs', () => {
    assert.equal(scopeOf('scope=openid%20mcp%3Awrite%20admin'), 'mcp:read mcp:write');
  });
});

describe('RFC 8707 §2: the resource', () => {
  const resourceOf = (asked: string): string | null =>
    new URLSearchParams(authorization(`resource=${encodeURIComponent(asked)}`)).get('resource');

  it('is ours in every spelling that is the same URI (RFC 3986 §6.2.2–6.2.3)', () => {
    for (const same of [
      'https://tools.example.com/mcp',
      'HTTPS://Tools.Example.com:443/mcp',
      'https://tools.example.com/a/../mcp',
    ]) {
      assert.equal(resourceOf(same), RESOURCE.resource);
    }
  });

  it('stays what it is when it is another', () => {
    for (const other of [
      'https://tools.example.com/mcp/',
      'https://tools.example.com',
      'https://evil.example/mcp',
      'mcp',
      '',
    ]) {
      assert.equal(resourceOf(other), other);
    }
  });

  it('is written alike in a token request', () => {
    assert.equal(
      readTokenRequest('grant_type=refresh_token&resource=https%3A%2F%2FTOOLS.example.com%2Fmcp', [
        RESOURCE,
      ]).toString(),
      'grant_type=refresh_token&resource=https%3A%2F%2Ftools.example.com%2Fmcp',
    );
  });
});

describe('RFC 6749 §6: the scope of a refresh', () => {
  it('loses what never was ours, and goes when nothing is left', () => {
    assert.equal(readTokenRequest('scope=mcp%3Aread%20offline_access', [RESOURCE]).toString(), 'scope=mcp%3Aread');
    assert.equal(readTokenRequest('a=b&scope=offline_access', [RESOURCE]).toString(), 'a=b');
  });

  it('is not added', () => {
    assert.equal(readTokenRequest('grant_type=refresh_token', [RESOURCE]).toString(), 'grant_type=refresh_token');
  });
});

/** Tokens of issuers that have no `aud`: the client says for whom they are. RFC 9068 §4, RFC 7519 §4.1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkAccessToken } from '../../src/oauth/access-token.ts';
import { isDenied } from '../../src/oauth/denial.ts';

const EXPECTED = {
  issuer: 'https://issuer.example',
  audiences: ['app-1', 'app-2'],
  audienceClaim: 'client_id',
  resourceUri: 'https://tool.example/mcp',
  clockSkewMs: 0,
} as const;
const CLAIMS = { iss: EXPECTED.issuer, exp: 60, sub: 'alice', client_id: 'app-1', token_use: 'access' };

function check(override: Readonly<Record<string, unknown>>, expected = {}): string {
  const outcome = checkAccessToken({ ...CLAIMS, ...override }, { ...EXPECTED, ...expected }, 0);
  if (!isDenied(outcome)) return 'passes';
  const { detail, expected: wanted, actual } = outcome.evidence;
  return [outcome.reason, detail, wanted, actual].filter((part) => part !== undefined).join(', ');
}

describe('audience_claim: client_id', () => {
  it('passes tokens of the clients named, without aud', () => {
    for (const claims of [{}, { client_id: 'app-2' }, { token_use: undefined }, { aud: [] }]) {
      assert.equal(check(claims), 'passes', JSON.stringify(claims));
    }
  });

  const refused: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ client_id: 'app-3' }, 'audience_mismatch, client_id, app-1 app-2, app-3'],
    [{ client_id: 'APP-1' }, 'audience_mismatch, client_id, app-1 app-2, APP-1'],
    [{ client_id: '' }, 'audience_mismatch, client_id, app-1 app-2, '],
    [{ client_id: undefined }, 'invalid_token, client_id is absent'],
    [{ client_id: undefined, azp: 'app-1', cid: 'app-1' }, 'invalid_token, client_id is absent'],
    [{ client_id: undefined, aud: 'app-1' }, 'invalid_token, client_id is absent'],
    [{ client_id: ['app-1'] }, 'invalid_token, client_id is not a string'],
    [{ client_id: null }, 'invalid_token, client_id is not a string'],
    [{ token_use: 'id' }, 'invalid_token, token_use, access, id'],
    [{ token_use: 'refresh' }, 'invalid_token, token_use, access, refresh'],
    [{ token_use: null }, 'invalid_token, token_use, access, null'],
    [{ token_use: ['access'] }, 'invalid_token, token_use, access, not a string'],
  ];
  for (const [claims, outcome] of refused) {
    it(`${JSON.stringify(claims)}: ${outcome}`, () => assert.equal(check(claims), outcome));
  }
});

describe('RFC 7519 §4.1.3: an aud that is there all the same', () => {
  it('must name the resource', () => {
    for (const aud of [
      'https://tool.example/mcp',
      ['x', 'https://TOOL.example:443/mcp'],
      ['app-1', 'https://tool.example/mcp'],
    ]) {
      assert.equal(check({ aud }), 'passes', JSON.stringify(aud));
    }
    const expected = 'audience_mismatch, https://tool.example/mcp';
    assert.equal(check({ aud: 'https://other.example/mcp' }), `${expected}, https://other.example/mcp`);
    assert.equal(check({ aud: 'app-1' }), `${expected}, app-1`, 'as in an ID token');
    assert.equal(check({ aud: '' }), `${expected}, `);
    assert.equal(check({ aud: 7 }), 'invalid_token, aud is neither a string nor an array of strings');
  });

  it('does not make up for a client that is not named', () => {
    const claims = { aud: 'https://tool.example/mcp', client_id: 'app-3' };
    assert.equal(check(claims), 'audience_mismatch, client_id, app-1 app-2, app-3');
  });
});

describe('audience_claim: aud', () => {
  it('does not look at client_id', () => {
    const expected = { audienceClaim: 'aud', resourceUri: undefined };
    assert.equal(check({ aud: 'app-1', client_id: 'app-3', token_use: 'x' }, expected), 'passes');
    assert.equal(check({ client_id: 'app-1' }, expected), 'invalid_token, aud is absent');
  });
});

describe('RFC 9068 §4: the issuer, under its aliases', () => {
  const aliases = new Set(['https://tenant-2.example/']);
  it('is one of them, byte for byte, and the token keeps what it says', () => {
    const outcome = checkAccessToken({ ...CLAIMS, iss: 'https://tenant-2.example/' }, { ...EXPECTED, aliases }, 0);
    assert.ok(!isDenied(outcome));
    assert.equal(outcome.issuer, 'https://tenant-2.example/');
  });
  for (const iss of ['https://tenant-2.example', 'https://tenant-2.example/x', 'https://tenant-3.example/', '']) {
    it(`is not ${JSON.stringify(iss)}`, () => {
      assert.equal(check({ iss }, { aliases }), `invalid_issuer, https://issuer.example, ${iss}`);
    });
  }
});

/** WWW-Authenticate, word for word. RFC 6750 §3, RFC 9110 §11.6.1, RFC 9728 §5.1, RFC 9449 §7.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createChallenges } from '../../src/oauth/challenge.ts';
import { DENIAL_REASONS, type DenialReason, denialRow } from '../../src/oauth/denial.ts';

const resourceMetadataUrl = new URL('https://my-tool.example.com/.well-known/oauth-protected-resource/mcp');
const METADATA = 'resource_metadata="https://my-tool.example.com/.well-known/oauth-protected-resource/mcp"';
const BEARER = `Bearer realm="mcp", ${METADATA}, scope="mcp:write mcp:read"`;
const DPOP = 'DPoP realm="mcp", algs="ES256 RS256"';

const requiredScopes = ['mcp:write', 'mcp:read'];
const bearerOnly = createChallenges({ resourceMetadataUrl, requiredScopes });
const withDpop = createChallenges({ resourceMetadataUrl, requiredScopes, dpopAlgorithms: ['ES256', 'RS256'] });

/** The field lines with these values. */
const lines = (...values: readonly string[]) => values.flatMap((value) => ['WWW-Authenticate', value]);

const CHALLENGED: readonly [DenialReason, string][] = [
  ['invalid_token', 'invalid_token'],
  ['invalid_signature', 'invalid_token'],
  ['unknown_key', 'invalid_token'],
  ['unsupported_algorithm', 'invalid_token'],
  ['token_expired', 'invalid_token'],
  ['token_not_yet_valid', 'invalid_token'],
  ['invalid_issuer', 'invalid_token'],
  ['audience_mismatch', 'invalid_token'],
  ['id_token', 'invalid_token'],
  ['token_not_bound', 'invalid_token'],
  ['missing_dpop', 'invalid_request'],
  ['insufficient_scope', 'insufficient_scope'],
];
const DPOP_FAULTS: readonly [DenialReason, string][] = [
  ['invalid_dpop', 'invalid_dpop_proof'],
  ['dpop_replayed', 'invalid_dpop_proof'],
  ['use_dpop_nonce', 'use_dpop_nonce'],
];
const fault = (reason: DenialReason, error: string) =>
  `, error="${error}", error_description="${denialRow(reason).description}"`;

describe('RFC 6750 §3', () => {
  it('names no error when no credentials were sent (§3.1)', () => {
    assert.deepEqual(bearerOnly('no_token', undefined), lines(BEARER));
  });

  it('leaves scope out when none is required', () => {
    const challenges = createChallenges({ resourceMetadataUrl, requiredScopes: [] });
    assert.deepEqual(challenges('no_token', undefined), lines(`Bearer realm="mcp", ${METADATA}`));
  });

  for (const [reason, error] of CHALLENGED) {
    it(`answers ${reason} with ${error}, the description last`, () => {
      assert.deepEqual(bearerOnly(reason, 'Bearer'), lines(BEARER + fault(reason, error)));
      assert.deepEqual(bearerOnly(reason, 'DPoP'), lines(BEARER + fault(reason, error)));
    });
  }

  it('challenges 401 and insufficient_scope and nothing else', () => {
    for (const reason of DENIAL_REASONS) {
      const challenged = denialRow(reason).status === 401 || reason === 'insufficient_scope';
      assert.equal(bearerOnly(reason, 'Bearer').length > 0, challenged, reason);
      assert.equal(withDpop(reason, 'DPoP').length > 0, challenged, reason);
    }
  });
});

describe('RFC 9110 §11.6.1', () => {
  it('holds nothing that would need an escape, whatever the metadata URL', () => {
    const url = new URL('https://a.example/"\\"/?"=\\#"');
    const challenges = createChallenges({ resourceMetadataUrl: url, requiredScopes: ['ok', 'a"b', 'a\\b', 'a b'] });
    for (const reason of DENIAL_REASONS) {
      for (const text of challenges(reason, 'Bearer').filter((_, index) => index % 2 === 1)) {
        assert.match(text, /^Bearer realm="mcp"(, [a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]+")+$/);
        assert.match(text, / scope="ok"/);
      }
    }
  });

  it('keeps every parameter once a challenge, as the joined header of fetch shows it', () => {
    for (const reason of DENIAL_REASONS) {
      const values = withDpop(reason, 'DPoP').filter((_, index) => index % 2 === 1);
      for (const value of values) {
        const names = Array.from(value.matchAll(/([a-z_]+)="/g), ([, name]) => name);
        assert.equal(new Set(names).size, names.length);
      }
      if (values.length > 0) assert.match(values.join(', '), /^Bearer realm="mcp", resource_metadata="[^"]+", scope="/);
    }
  });
});

describe('RFC 9449 §7.1', () => {
  it('adds a DPoP challenge that lists algs as published, after Bearer', () => {
    assert.deepEqual(withDpop('no_token', undefined), lines(BEARER, DPOP));
  });

  for (const [reason, error] of CHALLENGED) {
    it(`tells ${reason} in the challenge of the scheme used`, () => {
      assert.deepEqual(withDpop(reason, 'Bearer'), lines(BEARER + fault(reason, error), DPOP));
      assert.deepEqual(withDpop(reason, 'DPoP'), lines(BEARER, DPOP + fault(reason, error)));
    });
  }
  for (const [reason, error] of DPOP_FAULTS) {
    it(`tells ${reason} in the DPoP challenge, whatever the scheme`, () => {
      assert.deepEqual(withDpop(reason, 'Bearer'), lines(BEARER, DPOP + fault(reason, error)));
      assert.deepEqual(withDpop(reason, 'DPoP'), lines(BEARER, DPOP + fault(reason, error)));
    });
  }
});

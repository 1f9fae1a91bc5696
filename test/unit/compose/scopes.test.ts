/** When tokens are read the short way, and what counts as named by the configuration. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildScopeTerms } from '../../../src/compose/scopes.ts';
import { accept, minimalIdp } from '../config/loading.ts';

function terms(text: string): ReturnType<typeof buildScopeTerms> {
  const { config } = accept(text);
  return buildScopeTerms(config.servers[0], config.idp?.scope_claims ?? []);
}

describe('how scopes are read', () => {
  it('is the short way as long as nothing else is configured', () => {
    assert.equal(terms(minimalIdp('authz: { required_scopes: [read], challenge_scopes: [openid] }\n')), undefined);
    assert.equal(terms(minimalIdp('  preset: hydra\n')), undefined);
  });

  it('takes a claim whose name holds a space for one claim', () => {
    assert.deepEqual(terms(minimalIdp('  scope_claims: ["scope scp"]\n'))?.claims, [
      { name: 'scope scp', pointer: ['scope scp'] },
    ]);
  });

  it('knows every scope that the configuration names', () => {
    const authz = 'authz: { required_scopes: [a], challenge_scopes: [b], scope_implies: { c: [d, e] } }\n';
    const text = minimalIdp(`  scope_claims: [roles]\n${authz}`).replace('/mcp"\n', '/mcp"\n  scopes_supported: [f]\n');
    assert.deepEqual(terms(text)?.known, new Set(['a', 'b', 'f', 'c', 'd', 'e']));
  });
});

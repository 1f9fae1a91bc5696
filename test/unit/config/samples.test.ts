/** Configs as users write them: each loads as it is. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { accept } from './loading.ts';

const FOLDER = join(import.meta.dirname, '../../support/samples');
const env = { MY_SECRET: 'hunter2', SOME_KEY: 'key-1', MCP_SECRET: 'hunter3' };
/** Sample → its phase. */
const SAMPLES: Readonly<Record<string, 1 | 2 | 3>> = {
  'backend-headers.yaml': 1,
  'phase1.yaml': 1,
  'phase2.yaml': 2,
  'phase3.yaml': 3,
  'two-issuers-dpop.yaml': 3,
  'walkthrough.yaml': 2,
};

const sample = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

describe('samples', () => {
  it('are all listed here', () => assert.deepEqual(readdirSync(FOLDER).toSorted(), Object.keys(SAMPLES).toSorted()));

  for (const [name, phase] of Object.entries(SAMPLES)) {
    it(`${name} is phase ${phase}`, () => assert.equal(accept(sample(name), { env }).phase, phase));
  }

  it('walkthrough.yaml is parsed at the edge', () => {
    const { config } = accept(sample('walkthrough.yaml'));
    assert.deepEqual(config.limits, {
      max_request_body: 4_000_000,
      max_requests_per_principal: 2_500,
      max_streams_per_principal: 2_500,
      max_header_bytes: 16_384,
      read_timeout: 10_000,
      body_timeout: 60_000,
      write_timeout: 30_000,
      idle_timeout: 120_000,
      drain_delay: 0,
      drain_timeout: 5000,
      max_connections: 4000,
      rate_limit: { requests_per_second: 100, burst: 200 },
    });
    assert.deepEqual(config.obex.listen, { host: undefined, port: 8443 });
    assert.equal(config.obex.public_url.origin, 'https://my-tool.example.com');
    assert.equal(config.servers[0].backend.url.href, 'http://backend:9090/');
    assert.equal(config.servers[0].resource.url, 'https://my-tool.example.com/mcp');
    assert.deepEqual(config.servers[0].authz.required_scopes, ['mcp:read']);
  });

  it('backend-headers.yaml expands its secrets', () => {
    assert.deepEqual(accept(sample('backend-headers.yaml'), { env }).config.servers[0].backend.headers, {
      Authorization: 'Bearer hunter2',
      'X-API-Key': 'key-1',
      'X-Custom-Token': 'literal-value',
    });
  });

  it('an additional issuer inherits algorithms, audiences, and how claims are read', () => {
    const text = sample('two-issuers-dpop.yaml').replace('enabled: true\n  required', 'enabled: false\n  required');
    const { config, phase } = accept(text, { env });
    assert.equal(phase, 2);
    assert.deepEqual(config.idp?.additional_issuers, [
      {
        issuer: 'https://your-tenant.okta.com/oauth2/your-auth-server',
        jwks_uri: 'https://your-tenant.okta.com/oauth2/your-auth-server/v1/keys',
        issuer_aliases: [],
        preset: '',
        tls: { ca_file: '' },
        scope_claims: ['scope', 'scp'],
        audience_claim: 'aud',
        accepted_algorithms: ['RS256'],
        audiences: ['https://192.0.2.10/mcp'],
        dangerously_accept_id_tokens: false,
        keys: 'fetched',
      },
    ]);
  });
});

/** `OBEX_*` overrides: names, precedence, and that they never lower the phase. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LEAVES } from '../../../src/config/catalogue.ts';
import { OVERRIDES } from '../../../src/config/environment.ts';
import { accept, load, minimal, minimalIdp, reject } from './loading.ts';

describe('OBEX_*', () => {
  it('has one variable for each single value', () => {
    const variables = LEAVES.map(({ variable }) => variable);
    assert.equal(new Set(variables).size, variables.length);
    const known = ['OBEX_LISTEN', 'OBEX_TLS_ENABLED', 'OBEX_BACKEND_URL', 'OBEX_IDP_ISSUER', 'OBEX_RESOURCE_URL'];
    for (const variable of [...known, 'OBEX_LOG_LEVEL', 'OBEX_DPOP_REPLAY_CACHE_REDIS_URL'])
      assert.ok(OVERRIDES.has(variable));
  });

  it('wins over the file, and the file over the default', () => {
    const env = { OBEX_LISTEN: '127.0.0.1:0', OBEX_TLS_ENABLED: 'true', OBEX_LIMITS_MAX_REQUEST_BODY: '1MiB' };
    const { config } = accept(minimal('limits:\n  max_request_body: "2MB"\n  read_timeout: "3s"\n'), { env });
    assert.deepEqual(config.obex.listen, { host: '127.0.0.1', port: 0 });
    assert.equal(config.obex.tls.enabled, true);
    assert.equal(config.limits.max_request_body, 2 ** 20);
    assert.equal(config.limits.read_timeout, 3000);
    assert.equal(config.limits.body_timeout, 60_000);
  });

  it('can bring what the file leaves out', () => {
    const env = {
      OBEX_PUBLIC_URL: 'https://a.example',
      OBEX_BACKEND_URL: 'http://b:1',
      OBEX_RESOURCE_URL: 'https://a.example/mcp',
    };
    assert.equal(accept('log: { level: info }\n', { env }).config.servers[0].backend.url.host, 'b:1');
  });

  it('reaches a section that is nested under obex', () => {
    const text =
      'obex:\n  public_url: "https://a.example"\n  backend: { url: "http://b:1" }\n  resource: { url: "https://a.example/mcp" }\n';
    assert.equal(accept(text, { env: { OBEX_BACKEND_URL: 'http://c:2' } }).config.servers[0].backend.url.host, 'c:2');
  });

  it('is not expanded', () => {
    assert.deepEqual(reject(minimal(), { env: { OBEX_LOG_LEVEL: '${HOME}', HOME: 'info' } }), [
      'OBEX_LOG_LEVEL: log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", got "${HOME}"',
    ]);
  });

  it('is named instead of a line when it is wrong, even over a right value in the file', () => {
    assert.deepEqual(reject(minimal('log:\n  level: info\n'), { env: { OBEX_LOG_LEVEL: 'loud' } }), [
      'OBEX_LOG_LEVEL: log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", got "loud"',
    ]);
  });

  it('must not be empty', () => {
    assert.deepEqual(reject(minimal(), { env: { OBEX_IDP_ISSUER: '' } }), [
      'OBEX_IDP_ISSUER: is empty; give it a value, or unset it',
    ]);
  });

  it('cannot hold a list', () => {
    assert.deepEqual(reject(minimalIdp(), { env: { OBEX_AUTHZ_REQUIRED_SCOPES: 'admin' } }), [
      'OBEX_AUTHZ_REQUIRED_SCOPES: authz.required_scopes is not a single value, so it cannot be set by a variable; set it in ' +
        'the file, where values may hold ${VAR}',
    ]);
  });

  it('is ignored with a warning when unknown, its value never shown', () => {
    const { warnings } = accept(minimalIdp(), { env: { OBEX_IDP_ISUER: 'hunter2', OBEX_ZEBRA: 'hunter2' } });
    assert.deepEqual(warnings.slice(-2), [
      'OBEX_IDP_ISUER is ignored: no value of the config has this name; did you mean OBEX_IDP_ISSUER?',
      'OBEX_ZEBRA is ignored: no value of the config has this name',
    ]);
  });

  it('is reported beside problems, since the slip may be their cause', () => {
    const loaded = load('obex: { public_url: "https://a.example" }\n', { env: { OBEX_BACKEND_ULR: 'http://b:1' } });
    assert.deepEqual(loaded.warnings, [
      'OBEX_BACKEND_ULR is ignored: no value of the config has this name; did you mean OBEX_BACKEND_URL?',
    ]);
  });

  it('is silent about what Kubernetes injects and about OBEX_CONFIG', () => {
    const injected = { OBEX_SERVICE_HOST: '10.0.0.1', OBEX_SERVICE_PORT_HTTPS: '1', OBEX_PORT: 'tcp://10.0.0.1:1' };
    const env = { ...injected, OBEX_PORT_8443_TCP: 'x', OBEX_CONFIG: 'obex.yaml' };
    assert.deepEqual(accept(minimalIdp(), { env }).warnings, accept(minimalIdp()).warnings);
  });
});

describe('the environment and the phase', () => {
  it('raises it: OBEX_IDP_ISSUER without an idp in the file is phase 2', () => {
    assert.equal(accept(minimal(), { env: { OBEX_IDP_ISSUER: 'https://a.example/' } }).phase, 2);
    assert.equal(accept(minimal('idp:\n'), { env: { OBEX_IDP_ISSUER: 'https://a.example/' } }).phase, 2);
  });

  it('needs the issuer for any other idp value', () => {
    assert.deepEqual(reject(minimal(), { env: { OBEX_IDP_CLOCK_SKEW: '1s' } }), [
      'obex.yaml: idp.issuer: is required; for example "https://auth.your-company.com/"',
    ]);
  });

  for (const value of ['null', '~', '{}']) {
    it(`is not lowered by OBEX_IDP=${value}`, () => {
      assert.equal(accept(minimalIdp(), { env: { OBEX_IDP: value } }).phase, 2);
    });
  }

  it('is not lowered by OBEX_DPOP_ENABLED=false over a file that enables it', () => {
    const problems = reject(minimalIdp('dpop:\n  enabled: true\n'), { env: { OBEX_DPOP_ENABLED: 'false' } });
    assert.equal(
      problems.at(-1),
      'OBEX_DPOP_ENABLED: cannot switch off what obex.yaml demands; change dpop.enabled there',
    );
  });
});

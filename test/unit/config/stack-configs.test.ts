/** The configurations of the container stack load as they lie there, and as docker-compose.yml calls them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function load(
  file: string,
  env: Readonly<Record<string, string>>,
): Exclude<ReturnType<typeof loadConfig>, { problems: unknown }> {
  const outcome = loadConfig({ file, text: read(file), env, readFile: () => '' });
  if ('problems' in outcome) throw new Error(JSON.stringify(outcome.problems));
  return outcome;
}

describe('the container stack', () => {
  for (const [name, port] of [
    ['mariadb', 8443],
    ['clickhouse', 8444],
    ['login', 8445],
  ] as const) {
    it(`obex/${name}.yaml runs outside of Compose, on loopback and without certificates`, () => {
      const { config, phase } = load(`obex/${name}.yaml`, {});
      assert.equal(phase, 2);
      assert.deepEqual(config.obex.listen, { host: '127.0.0.1', port });
      assert.equal(config.obex.tls.enabled, false);
    });

    it(`obex/${name}.yaml takes every variable that docker-compose.yml gives it`, () => {
      const { environment } = parse(read('docker-compose.yml'), { merge: true }).services[`obex-${name}`];
      const text = read(`obex/${name}.yaml`);
      assert.ok(Object.keys(environment).length > 10);
      assert.deepEqual(
        Object.keys(environment).filter((variable) => !text.includes(`\${${variable}:-`)),
        [],
      );
    });
  }

  it('finds the keys of an issuer by discovery when it is given nothing but the issuer', () => {
    const { config } = load('obex/mariadb.yaml', { IDP_ISSUER: 'https://auth.example/' });
    assert.equal(config.idp?.issuer, 'https://auth.example/');
    assert.equal(config.idp.jwks_uri, undefined);
  });

  it('takes audiences and algorithms of an IdP from the environment', () => {
    const env = { CLICKHOUSE_AUDIENCES: 'api://a,api://b', IDP_ALGORITHMS: 'PS256' };
    const { config } = load('obex/clickhouse.yaml', env);
    assert.deepEqual(config.servers[0].resource.audiences, ['api://a', 'api://b']);
    assert.deepEqual(config.idp?.accepted_algorithms, ['PS256']);
  });

  it('sends people to the address of plain-idp, and keeps their logins on a volume', () => {
    const { services } = parse(read('docker-compose.yml'), { merge: true });
    const env = {
      LOGIN_STORE: 'sqlite',
      LOGIN_STORE_PATH: '/var/lib/obex/login.db',
      LOGIN_EMAIL_DOMAINS: 'a.com,b.com',
    };
    const { config } = load('obex/login.yaml', env);
    assert.equal(config.login?.issuer, services['plain-idp'].environment.DEV_IDP_ISSUER);
    assert.deepEqual(config.login?.store, { backend: 'sqlite', path: env.LOGIN_STORE_PATH });
    assert.deepEqual(config.login?.allow.email_domains, ['a.com', 'b.com']);
    assert.equal(services['obex-login'].network_mode, 'service:plain-idp');
    assert.ok(services['obex-login'].volumes.includes('login:/var/lib/obex'));
  });

  it('examples/walkthrough has the sample that the configuration tests load', () => {
    assert.equal(read('examples/walkthrough/obex.yaml'), read('test/support/samples/walkthrough.yaml'));
  });
});

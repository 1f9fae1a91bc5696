/** The shared `redis`, and what the replay cache and the store of logins have of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseFixedChanges } from '../../../src/compose/reload.ts';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { accept, minimal, minimalIdp, reject } from './loading.ts';
import { google, OBEX_SECRET } from './login-config.ts';

const REDIS = 'redis: { url: "redis://:pw@redis:6379/2" }\n';
const cache = (own: string): string => `dpop: { enabled: true, replay_cache: { backend: redis, redis: {${own}} } }\n`;
const store = '  store: { backend: redis }\n';

describe('redis', () => {
  it('has defaults for all but the URL', () => {
    assert.deepEqual(accept(minimal()).config.redis, {
      url: '',
      key_prefix: 'obex:',
      connect_timeout: 2_000,
      command_timeout: 250,
      tls: { ca_file: '' },
    });
  });

  it('does not show its password', () => {
    const shown = formatEffectiveConfig(accept(google(`${store}${REDIS}`)).config);
    assert.ok(!shown.includes('pw@'), shown);
  });

  it('may have its URL in a file or a variable', () => {
    const text = google(`${store}redis: { url_file: /run/redis }\n`);
    const { config } = accept(text, { files: { '/run/redis': 'redis://a:1\n' } });
    assert.equal(config.redis.url, 'redis://a:1');
    const { config: other } = accept(google(store), { env: { OBEX_REDIS_URL: 'redis://b:1' } });
    assert.equal(other.redis.url, 'redis://b:1');
  });

  it('is warned of where nothing uses it', () => {
    const { warnings } = accept(minimalIdp(REDIS));
    assert.ok(
      warnings.includes(
        'redis.url has no effect: nothing is told redis. Write login.store.backend: redis, or dpop.replay_cache.backend: redis',
      ),
      warnings.join('\n'),
    );
  });
});

describe('the Redis of the replay cache', () => {
  it('is, without the shared one, what it always was', () => {
    const { config } = accept(minimalIdp(cache('url: "redis://a:1"')));
    assert.deepEqual(config.dpop.replay_cache.redis, {
      url: 'redis://a:1',
      key_prefix: 'obex:dpop:',
      connect_timeout: 2_000,
      command_timeout: 250,
      tls: { ca_file: '' },
    });
  });

  it('is the shared one, key by key', () => {
    const shared =
      'redis: { url: "rediss://a:1", key_prefix: "acme:", connect_timeout: 5s, command_timeout: 1s, tls: { ca_file: /ca } }\n';
    const all = { url: 'rediss://a:1', key_prefix: 'acme:dpop:', connect_timeout: 5_000, command_timeout: 1_000 };
    const expected = { ...all, tls: { ca_file: '/ca' } };
    const redisOf = (own: string) => accept(minimalIdp(cache(own) + shared)).config.dpop.replay_cache.redis;
    assert.deepEqual(redisOf(''), expected);
    assert.deepEqual(redisOf('url: "redis://b:1"'), { ...expected, url: 'redis://b:1' });
    assert.deepEqual(redisOf('key_prefix: "proofs:"'), { ...expected, key_prefix: 'proofs:' });
    assert.deepEqual(redisOf('command_timeout: 2s'), { ...expected, command_timeout: 2_000 });
    assert.deepEqual(redisOf('tls: { ca_file: "" }'), { ...expected, tls: { ca_file: '' } });
  });

  it('is none in memory, whatever the shared one is for, and nothing is warned of', () => {
    const { config, warnings } = accept(google(`${store}dpop: { enabled: true }\n${REDIS}`));
    assert.equal(config.dpop.replay_cache.redis.url, '');
    assert.deepEqual(
      warnings.filter((warning) => warning.includes('redis')),
      [],
    );
  });

  it('is required somewhere', () => {
    assert.deepEqual(reject(minimalIdp(cache(''))), [
      'obex.yaml:9: dpop.replay_cache.redis.url: is required with dpop.replay_cache.backend: redis, here or as redis.url; ' +
        'for example "redis://redis:6379/0"',
    ]);
  });
});

describe('logins in Redis', () => {
  it('need its URL, and a secret that is the same in all replicas', () => {
    const bare = google(store).replace(`  secret: "${OBEX_SECRET}"\n`, '');
    assert.deepEqual(reject(bare), [
      'obex.yaml: redis.url: is required with login.store.backend: redis; for example "redis://redis:6379/0"',
      'obex.yaml:1: obex.secret: is required with login.store.backend: redis: without it, nothing there could be read by another ' +
        'replica; for example the output of "openssl rand -base64 32"',
    ]);
    assert.equal(accept(google(`${store}${REDIS}`)).config.login?.store.backend, 'redis');
  });

  it('have no file', () => {
    assert.deepEqual(reject(google(`  store: { backend: redis, path: /l.db }\n${REDIS}`)), [
      'obex.yaml:14: login.store.path: has no effect with login.store.backend: redis; write backend: sqlite, or delete path',
    ]);
  });

  it('stay where they are over a reload; user, password and CA may change', () => {
    const before = accept(google(`${store}${REDIS}`)).config;
    const reload = (shared: string): void =>
      refuseFixedChanges(before, accept(google(`${store}redis: { ${shared} }\n`)).config);
    const refused: Readonly<Record<string, string>> = {
      'url: "redis://:pw@other:6379/2"': 'scheme, host or port in redis.url',
      'url: "rediss://:pw@redis:6379/2"': 'scheme, host or port in redis.url',
      'url: "redis://:pw@redis:6379/3"': 'the database in redis.url',
      'url: "redis://:pw@redis:6379/2", key_prefix: "acme:"': 'redis.key_prefix',
      'url: "redis://:pw@redis:6379/2", command_timeout: 1s': 'redis.command_timeout',
    };
    for (const [shared, what] of Object.entries(refused)) {
      const message = `a reload cannot change ${what}; restart Obex to change it`;
      assert.throws(() => reload(shared), { message });
    }
    reload('url: "redis://obex:other@redis:6379/2", tls: { ca_file: /ca }');
  });

  it('a Redis that nothing uses may change', () => {
    const configOf = (url: string) => accept(minimalIdp(`redis: { url: "${url}" }\n`)).config;
    refuseFixedChanges(configOf('redis://a:1'), configOf('redis://b:1'));
  });
});

/** The forms of a Redis URL. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRedisUrl } from '../../../src/lib/redis-url.ts';

const NOBODY = { username: undefined, password: undefined };
const SERVER = {
  kind: 'server',
  tls: false,
  addresses: [{ host: 'redis', port: 6379 }],
  credentials: NOBODY,
  sentinelCredentials: NOBODY,
  masterName: '',
  database: 0,
};

describe('a Redis URL', () => {
  it('of one server', () => {
    assert.deepEqual(parseRedisUrl('redis://redis'), SERVER);
    assert.deepEqual(parseRedisUrl('redis://redis/'), SERVER);
    assert.deepEqual(parseRedisUrl('redis://redis:6379/0'), SERVER);
    assert.deepEqual(parseRedisUrl('rediss://[::1]:6380/3'), {
      ...SERVER,
      tls: true,
      addresses: [{ host: '::1', port: 6380 }],
      database: 3,
    });
    assert.deepEqual(parseRedisUrl('redis://:p%40ss%2F%25@redis'), {
      ...SERVER,
      credentials: { username: undefined, password: 'p@ss/%' },
    });
    assert.deepEqual(parseRedisUrl('redis://us%C3%A9r:secret@redis'), {
      ...SERVER,
      credentials: { username: 'usér', password: 'secret' },
    });
  });

  it('of a master that sentinels watch', () => {
    assert.deepEqual(
      parseRedisUrl(
        'rediss+sentinel://:pw@s1,s2:26380,[fd00::3]/my%20master/2?sentinel_username=u&sentinel_password=a%26b',
      ),
      {
        kind: 'sentinel',
        tls: true,
        addresses: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 26_380 },
          { host: 'fd00::3', port: 26_379 },
        ],
        credentials: { username: undefined, password: 'pw' },
        sentinelCredentials: { username: 'u', password: 'a&b' },
        masterName: 'my master',
        database: 2,
      },
    );
  });

  it('of a cluster', () => {
    assert.deepEqual(parseRedisUrl('redis+cluster://a:7000,b'), {
      ...SERVER,
      kind: 'cluster',
      addresses: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 6379 },
      ],
    });
  });

  for (const text of [
    '',
    'redis',
    'redis://',
    'http://redis',
    'REDIS://redis',
    'redis+other://redis',
    'redis://a,b',
    'redis://re dis',
    'redis://redis:0',
    'redis://redis:65536',
    'redis://redis:port',
    'redis://redis/zero',
    'redis://redis/0/1',
    'redis://redis?db=1',
    'redis://redis#0',
    'redis://a:p@ss@redis',
    'redis://:%zz@redis',
    'redis+sentinel://s1',
    'redis+sentinel://s1/',
    'redis+sentinel://s1//0',
    'redis+sentinel://s1,/master',
    'redis+sentinel://s1/master?password=x',
    'redis+cluster://a/1',
    'redis+cluster://a?sentinel_password=x',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseRedisUrl(text), undefined));
  }
});

/** The sections of the config about Redis: the one that is shared, and what the replay cache has of its own. IANA `redis` scheme. */
import { duration, leaf, optional, section, text } from '../leaf.ts';
import { parseRedisUrl } from '../urls.ts';
import { LONGEST_MS } from './traffic.ts';

const EXAMPLE = 'redis://:${REDIS_PASSWORD}@redis:6379/0';
const url = {
  kind: 'string',
  json: { type: 'string' },
  secret: true,
  example: EXAMPLE,
} as const;
const time = { min: 1, max: LONGEST_MS } as const;
const CA_MEANING = 'PEM bundle of the authorities trusted. Empty = the public ones.';

export const redisSection = section(
  'The Redis of whatever is told `redis`. A reload can change user, password and CA.',
  {
    url: leaf(
      {
        ...url,
        default: '',
        meaning: '`redis://[user][:password]@host:port/database`; TLS, sentinels and clusters: [dpop.md](dpop.md).',
      },
      parseRedisUrl,
    ),
    key_prefix: text({
      default: 'obex:',
      meaning: 'Begins every key that Obex writes; `login:` or `dpop:` follows.',
    }),
    connect_timeout: duration({ ...time, default: '2s', meaning: 'Longest wait for a connection.' }),
    command_timeout: duration({ ...time, default: '250ms', meaning: 'Longest wait for an answer; then 503.' }),
    tls: section('TLS to Redis, for `rediss://`.', {
      ca_file: text({ allowEmpty: true, default: '', meaning: CA_MEANING }),
    }),
  },
);

const own = { optional: true } as const;

export const replayCacheRedis = section('What is other than in `redis`, for `backend: redis`, key by key.', {
  url: optional(leaf({ ...url, ...own, meaning: 'As `redis.url`, which it is when absent.' }, parseRedisUrl)),
  key_prefix: optional(
    text({
      ...own,
      example: 'obex:dpop:',
      meaning: 'Begins every key that the replay cache writes. Absent = `redis.key_prefix` and `dpop:`.',
    }),
  ),
  connect_timeout: optional(
    duration({ ...time, ...own, meaning: 'Longest wait for a connection. Absent = `redis.connect_timeout`.' }),
  ),
  command_timeout: optional(
    duration({ ...time, ...own, meaning: 'Longest wait for an answer; then 503. Absent = `redis.command_timeout`.' }),
  ),
  tls: section('TLS to Redis, for `rediss://`.', {
    ca_file: optional(
      text({ ...own, allowEmpty: true, meaning: `${CA_MEANING} Absent = that of \`redis.tls.ca_file\`.` }),
    ),
  }),
});

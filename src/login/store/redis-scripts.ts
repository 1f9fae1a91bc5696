/** What the login's store does in Redis: each step one script, which Redis runs whole and by itself. RFC 6749 §10.5, RFC 9700 §4.14. */

/**
 * For how long processes may disagree, about the time and, after a failover, about the master (see `RedisSentinels`: sentinels
 * tell each other within 2 s, a confirmation counts for 2 s, and 1 s is left for clocks). What has ended is kept for so long,
 * and nothing is used up in a history of Redis that is younger.
 */
export const MARGIN_MS = 6_000;

/**
 * KEYS: the text, the index of its kind, the set of kinds, the history. ARGV: now, the key, its kind, then what each script
 * says. A text is kept behind its end, by the clocks of Obex; Redis removes it later, by its own, so that no clock that is set
 * brings back or takes away what the others see. The index has the ends of all keys of a kind, so that they are counted
 * without reading them, or the other keys of this Redis.
 */
const STORE = `
local now = tonumber(ARGV[1])
local function living()
  local stop, text = string.match(redis.call('GET', KEYS[1]) or '', '^(%-?%d+) (.*)$')
  if stop and tonumber(stop) > now then return text end
  return false
end
local function put(text, stop)
  local life = math.max(1, tonumber(stop) - now + ${MARGIN_MS})
  redis.call('SET', KEYS[1], stop .. ' ' .. text, 'PX', string.format('%.0f', life))
  redis.call('ZADD', KEYS[2], stop, ARGV[2])
  redis.call('SADD', KEYS[3], ARGV[3])
  local over = math.min(now, tonumber(redis.call('TIME')[1]) * 1000) - ${MARGIN_MS}
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', over))
end
local function drop()
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[2])
end
`;

/**
 * Redis gives its data a new replication id whenever it starts, and whenever a replica becomes master; then the changes of the
 * last moments may be missing. The history says under which id, and since when by the clocks of Obex, changes have been made.
 * Where there is none, there is nothing either that could be used again. One that a clock has begun that was ahead begins anew.
 */
const SETTLED = `
local info = redis.call('INFO', 'replication')
if string.find(info, 'role:slave', 1, true) then return redis.error_reply('READONLY this Redis is a replica now') end
local id = string.match(info, 'master_replid:(%x+)')
local known, since = string.match(redis.call('GET', KEYS[4]) or '', '^(%x+) (%d+)$')
if known ~= id or tonumber(since) > tonumber(ARGV[1]) + ${MARGIN_MS} then
  since = known and ARGV[1] or '0'
  redis.call('SET', KEYS[4], id .. ' ' .. since)
end
if tonumber(ARGV[1]) <= tonumber(since) + ${MARGIN_MS} then return redis.error_reply('UNSETTLED ' .. since) end
`;

/** ARGV[4] and [5]: text and end. */
const ADD = `${STORE}
if living() then return 0 end
put(ARGV[4], ARGV[5])
return 1
`;

/** ARGV[4] to [6]: the text before, the one after, its end. */
const SWAP = `${STORE}
if living() ~= ARGV[4] then return 0 end
put(ARGV[5], ARGV[6])
return 1
`;

const TAKE = `${STORE}
local text = living()
drop()
return text
`;

export const SCRIPTS = {
  get: `${STORE} return living()`,
  set: `${STORE} put(ARGV[4], ARGV[5])`,
  add: SETTLED + ADD,
  swap: SETTLED + SWAP,
  take: SETTLED + TAKE,
  /** `take` of what may be taken several times. */
  remove: TAKE,
  /** Fails while the history is younger than `MARGIN_MS`. */
  settle: `${SETTLED} return 1`,
  addAgain: ADD,
  swapAgain: SWAP,
  /** ARGV[4]: the text that was removed. */
  removeAgain: `${STORE} if living() == ARGV[4] then drop() end`,
  /** How many keys of the kind live. */
  count: `return redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[1], '+inf')`,
  /** ARGV[4]: a cursor. The next one, and keys with their ends. */
  scan: `return redis.call('ZSCAN', KEYS[2], ARGV[4], 'COUNT', 100)`,
  kinds: `return redis.call('SMEMBERS', KEYS[3])`,
} as const;

export type ScriptName = keyof typeof SCRIPTS;

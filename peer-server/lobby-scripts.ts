/**
 * What Redis does with lobbies, each as one step that nothing comes between. In every script KEYS[1] is the lobby, KEYS[2] the
 * index of all, KEYS[3] that of the public ones, ARGV[1] the owner's hash, ARGV[2] the code. The fields of a lobby:
 *
 *   o  owner token's hash       v  the lobby as JSON       p  '1' if public
 *   c  created, u  changed by its owner: milliseconds since 1970, by the brokers' clocks
 */
import { redisScript } from './redis-connection.ts';

/** An index that is none is made anew. */
const BEGIN = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, 3 do
  if redis.call('TYPE', KEYS[i]).ok ~= 'zset' then redis.call('DEL', KEYS[i]) end
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
end
local function isOwned()
  return redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HGET', KEYS[1], 'o') == ARGV[1]
end
local function renew(ttl, isPublic)
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('ZADD', KEYS[2], now + ttl, ARGV[2])
  if isPublic == '1' then redis.call('ZADD', KEYS[3], now + ttl, ARGV[2]) end
end
`;

/** ARGV[3] the value, [4] public?, [5] created, [6] changed, [7] time to live, [8] the channel, [9] the message if it is public, [10] if it is not any more. */
const WRITE = `
local function write()
  redis.call('HSET', KEYS[1], 'o', ARGV[1], 'v', ARGV[3], 'p', ARGV[4], 'c', ARGV[5], 'u', ARGV[6])
  renew(ARGV[7], ARGV[4])
  if ARGV[4] == '1' then
    redis.call('PUBLISH', ARGV[8], ARGV[9])
  elseif redis.call('ZREM', KEYS[3], ARGV[2]) == 1 then
    redis.call('PUBLISH', ARGV[8], ARGV[10])
  end
end
`;

/** As WRITE; ARGV[11] lobbies at most. */
export const CREATE = redisScript(`${BEGIN}${WRITE}
if redis.call('EXISTS', KEYS[1]) == 1 then return 'taken' end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[11]) then return 'full' end
write()
return 'created'`);

/** As WRITE. Answers when it was changed: later than the change before, also when the clocks of two brokers differ; 0: not done. */
export const REPLACE = redisScript(`${BEGIN}${WRITE}
if not isOwned() then return 0 end
local before = tonumber(redis.call('HGET', KEYS[1], 'u') or '') or 0
local changed = math.max(tonumber(ARGV[6]), before + 1)
ARGV[6] = string.format('%.0f', changed)
write()
return changed`);

/**
 * As WRITE, by a broker that remembers the lobby. What the same owner has said since is left alone. Of two owners the one who
 * had the code first has it: the other took it while Redis had forgotten the first.
 */
export const RESTORE = redisScript(`${BEGIN}${WRITE}
if isOwned() then
  local changed = tonumber(redis.call('HGET', KEYS[1], 'u') or '')
  if changed and changed >= tonumber(ARGV[6]) then return 'kept' end
elseif redis.call('TYPE', KEYS[1]).ok == 'hash' then
  local created = tonumber(redis.call('HGET', KEYS[1], 'c') or '')
  if created and created <= tonumber(ARGV[5]) then return 'other' end
end
redis.call('DEL', KEYS[1])
write()
return 'restored'`);

/** ARGV[3] time to live, [4] the channel, [5] the message, [6] '1': answer with value and change, which the broker does not know. */
export const TOUCH = redisScript(`${BEGIN}
if not isOwned() then return 0 end
local isPublic = redis.call('HGET', KEYS[1], 'p')
renew(ARGV[3], isPublic)
if isPublic == '1' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
if ARGV[6] ~= '1' then return 1 end
return { redis.call('HGET', KEYS[1], 'v') or '', redis.call('HGET', KEYS[1], 'u') or '' }`);

/** ARGV[3] the channel, [4] the message for brokers that remember the lobby, [5] for those who list it. */
export const DELETE = redisScript(`${BEGIN}
if not isOwned() then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
if redis.call('ZREM', KEYS[3], ARGV[2]) == 1 then redis.call('PUBLISH', ARGV[3], ARGV[5]) end
return 1`);

export const COUNT = redisScript(`${BEGIN} return redis.call('ZCARD', KEYS[2])`);

/** ARGV[3] codes at most. */
export const PUBLIC_CODES = redisScript(`${BEGIN} return redis.call('ZRANGE', KEYS[3], 0, tonumber(ARGV[3]) - 1)`);

/** KEYS: lobbies; ARGV[1] the longest value. Three answers for each: owner's hash, value, time left (-2: there is none; '' and -1: none of ours). */
export const READ = redisScript(`
local found = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local owner, value, left = '', '', -1
  if kind == 'hash' and redis.call('HSTRLEN', key, 'v') <= tonumber(ARGV[1]) and redis.call('HSTRLEN', key, 'o') <= 64 then
    owner = redis.call('HGET', key, 'o') or ''
    value = redis.call('HGET', key, 'v') or ''
    left = redis.call('PTTL', key)
  elseif kind == 'none' then
    left = -2
  end
  found[#found + 1] = owner
  found[#found + 1] = value
  found[#found + 1] = left
end
return found`);

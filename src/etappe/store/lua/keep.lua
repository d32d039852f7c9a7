-- Keeps the answer to a request, unless there is one already. The oldest answers of the partition make room for it.
-- KEYS: answer, ring   ARGV: packed answer, seconds to live, bytes that the partition's answers may take, own cost
-- The ring is a hash: `first` and `next` number the oldest entry and the one to come, `bytes` is what all take, and each
-- entry is UNTIL:BYTES:NAME. Its names are of this partition, so of this script's slot, though they are not in KEYS.
-- Returns the answer that was there; nothing where this one is kept now.
local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end
local now, most = tonumber(redis.call('TIME')[1]), tonumber(ARGV[3])
local size = #ARGV[1] + 2 * #KEYS[1] + ARGV[4]
local ring = redis.call('HMGET', KEYS[2], 'first', 'next', 'bytes')
local first, next, held = tonumber(ring[1] or 0), tonumber(ring[2] or 0), tonumber(ring[3] or 0)
-- Dropping goes on from where it stopped, so each answer is looked at once when it comes and once when it goes, however
-- many there are. What has lapsed goes in any case, as it takes no room any more; an entry without a name was forgotten
-- with its customer.
while first < next do
  local entry = redis.call('HGET', KEYS[2], first) or '0:0:'
  local till, bytes, name = string.match(entry, '^(%d+):(%d+):(.*)$')
  if tonumber(till) > now and held + size <= most then
    break
  end
  if name ~= '' then
    redis.call('DEL', name)
  end
  redis.call('HDEL', KEYS[2], first)
  first, held = first + 1, held - bytes
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local entry = string.format('%d:%d:%s', now + ARGV[2], size, KEYS[1])
redis.call('HSET', KEYS[2], 'first', first, 'next', next + 1, 'bytes', held + size, next, entry)
redis.call('EXPIRE', KEYS[2], ARGV[2])
return nil

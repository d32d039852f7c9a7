-- Takes what an alias had over to its customer: records of its tail, and subjects whose bases are to be joined.
-- KEYS: base, tail, graph, long tails, dirty, members
-- ARGV: subject, epoch (15 digits), tail limit (bytes), seconds to live, subjects to be joined (16 bytes each), their
--       last word on personalisation (0 none, 1 granted, 2 denied) and its Unix us, then the records (with blocks)
-- Returns the length of the tail, -1 where a later change was faster.
local value = redis.call('GET', KEYS[3]) or ''
if string.sub(value, 1, 1) == 'L' or tonumber(redis.call('HGET', KEYS[6], 'epoch') or '0') > tonumber(ARGV[2]) then
  return -1
end
local base, tail = redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or ''
for at = 8, #ARGV do
  local hash = string.sub(ARGV[at], 1, 8)
  if not string.find(tail, hash, 1, true) and not string.find(base, hash, 1, true) then
    tail = tail .. ARGV[at]
    redis.call('APPEND', KEYS[2], ARGV[at])
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[4])
if #tail > tonumber(ARGV[3]) then
  redis.call('SADD', KEYS[4], ARGV[1])
end
local waiting = string.sub(value, 17)
for at = 1, #ARGV[5], 16 do
  local one, known = string.sub(ARGV[5], at, at + 15), false
  for place = 1, #waiting, 16 do
    known = known or string.sub(waiting, place, place + 15) == one
  end
  if not known then
    waiting = waiting .. one
  end
end
redis.call('SET', KEYS[3], 'O' .. ARGV[2] .. waiting, 'EX', ARGV[4])
if ARGV[5] ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[5], time[1] * 1000000 + time[2], ARGV[1])
end
if ARGV[6] ~= '0' then
  local verdict, since = string.match(redis.call('HGET', KEYS[6], 'said') or '', '^(%d):(%d+)$')
  local older = not since or tonumber(since) < tonumber(ARGV[7])
  if older or tonumber(since) == tonumber(ARGV[7]) and ARGV[6] > verdict then
    redis.call('HSET', KEYS[6], 'said', ARGV[6] .. ':' .. ARGV[7])
  end
end
return #tail

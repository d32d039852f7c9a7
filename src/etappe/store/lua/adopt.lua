-- Takes what an alias had over to its customer: records of its tail, and subjects whose bases are to be joined.
-- KEYS: record, long tails, dirty, members
-- ARGV: subject, epoch (15 digits), tail limit (bytes), codes that are spoken, day, subjects to be joined (16 bytes each),
--       their last word on personalisation (0 none, 1 granted, 2 denied) and its Unix us, then the records (with blocks)
-- Returns the length of the tail, -1 where a later change was faster.
local one = opened(redis.call('GET', KEYS[1]))
if kind_of(one) == 'L' or tonumber(redis.call('HGET', KEYS[4], 'epoch') or '0') > tonumber(ARGV[2]) then
  return -1
end
add(one, ARGV[4], ARGV, 9)
local waiting = waiting_of(one)
for at = 1, #ARGV[6], 16 do
  local subject, known = string.sub(ARGV[6], at, at + 15), false
  for place = 1, #waiting, 16 do
    known = known or string.sub(waiting, place, place + 15) == subject
  end
  waiting = waiting .. (known and '' or subject)
end
one.graph, one.used = 'O' .. ARGV[2] .. waiting, tonumber(ARGV[5])
hear(one, tonumber(ARGV[7]), tonumber(ARGV[8]))
write(KEYS[1], one, one.used)
if #one.tail > tonumber(ARGV[3]) then
  redis.call('SADD', KEYS[2], ARGV[1])
end
if ARGV[6] ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], time[1] * 1000000 + time[2], ARGV[1])
end
return #one.tail

-- Replaces a customer's base, and the first bytes of the tail, unless another worker was faster.
-- KEYS: record, long tails
-- ARGV: generation the base had when read (4 bytes, empty: none), the tail as read, new base (empty: none), hashes seen,
--       subject, subjects whose bases are in the new one, the head of the graph part as read (16 bytes or none), records
--       to keep of the tail as read, codes that are spoken (see envelope.lua), day, minute
-- Returns 1 where it was done, 0 where the record had changed otherwise than by new events.
local one = opened(redis.call('GET', KEYS[1]))
local generation = one.base ~= '' and string.sub(one.base, 5, 8) or ''
if generation ~= ARGV[1] or string.sub(one.tail, 1, #ARGV[2]) ~= ARGV[2] then
  return 0
end
if kind_of(one) == 'L' or string.sub(one.graph, 1, 16) ~= ARGV[7] then
  return 0
end
local left, before = '', waiting_of(one)
for at = 1, #before, 16 do
  local subject, held = string.sub(before, at, at + 15), false
  for place = 1, #ARGV[6], 16 do
    held = held or string.sub(ARGV[6], place, place + 15) == subject
  end
  left = left .. (held and '' or subject)
end
one.graph = string.sub(one.graph, 1, 16) .. left
one.base, one.seen, one.tail = ARGV[3], ARGV[4], ARGV[8] .. string.sub(one.tail, #ARGV[2] + 1)
if left == '' then -- else what the bases say that still wait is in the word that there is
  heed_all(one, ARGV[9])
else
  one.flags = 0
  heed(one, one.tail, ARGV[9])
end
write(KEYS[1], one, tonumber(ARGV[10]), tonumber(ARGV[11]))
redis.call('SREM', KEYS[2], ARGV[5])
return 1

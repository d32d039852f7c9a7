-- Replaces a customer's base, and the first bytes of the tail, unless another worker was faster.
-- KEYS: base, tail, long tails
-- ARGV: generation the base had when read (4 bytes, empty: none), bytes of the tail that were read, new base,
--       records of those bytes that stay in the tail, seconds to live, subject
-- Returns 1 where it was done, 0 where the base had changed.
local base = redis.call('GET', KEYS[1])
local generation = base and string.sub(base, 5, 8) or ''
if generation ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[5])
local rest = ARGV[4] .. string.sub(redis.call('GET', KEYS[2]) or '', tonumber(ARGV[2]) + 1)
if rest == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], rest, 'EX', ARGV[5])
end
redis.call('SREM', KEYS[3], ARGV[6])
return 1

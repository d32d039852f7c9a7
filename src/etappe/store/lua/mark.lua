-- Moves a mark on, where it is of the same generation: never in a Redis that is not the one the log belongs to.
-- KEYS: mark   ARGV: the new mark, length of the generation at its beginning
local found = redis.call('GET', KEYS[1])
if not found or string.sub(found, 1, ARGV[2]) ~= string.sub(ARGV[1], 1, ARGV[2]) then
  return 0
end
if found < ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1

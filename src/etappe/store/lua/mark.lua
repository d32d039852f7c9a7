-- Moves a mark on, where it is of the same generation: never in a Redis that is not the one the log belongs to.
-- KEYS: mark   ARGV: the new mark
local mark = redis.call('GET', KEYS[1]) or ''
if not of_one_generation(mark, ARGV[1]) then
  return 0
end
if mark < ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1

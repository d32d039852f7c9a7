-- Makes a subject an alias of a customer, or its own customer again, unless that or a later change was done already.
-- KEYS: graph, members, base, tail   ARGV: kind (L alias, O own), epoch (15 digits), root (for L), seconds to live
-- A graph value is kind, epoch, for an alias the root (16 bytes), then the subjects whose bases are to be joined.
-- Returns the value there is now, empty where a later change was faster.
local value = redis.call('GET', KEYS[1]) or ''
local kind, last = string.sub(value, 1, 1), tonumber(string.sub(value, 2, 16)) or 0
if last > tonumber(ARGV[2]) then
  return ''
end
if kind == ARGV[1] and kind == 'O' and last == tonumber(ARGV[2]) then
  return value
end
local waiting = string.sub(value, kind == 'L' and 33 or 17)
if ARGV[1] == 'O' then
  waiting = ''
  redis.call('DEL', KEYS[3], KEYS[4])
else
  redis.call('DEL', KEYS[2])
end
value = ARGV[1] .. ARGV[2] .. ARGV[3] .. waiting
redis.call('SET', KEYS[1], value, 'EX', ARGV[4])
return value

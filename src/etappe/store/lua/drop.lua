-- Drops what an alias had, once its customer has it, unless a later change was faster.
-- KEYS: graph, then what is to go   ARGV: epoch
local value = redis.call('GET', KEYS[1]) or ''
if string.sub(value, 1, 1) ~= 'L' or tonumber(string.sub(value, 2, 16)) > tonumber(ARGV[1]) then
  return 0
end
return redis.call('DEL', unpack(KEYS, 2))

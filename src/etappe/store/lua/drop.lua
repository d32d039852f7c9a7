-- Drops what an alias had, once its customer has it, unless a later change was faster.
-- KEYS: record   ARGV: epoch, what is to go (base or tail)
local one = opened(redis.call('GET', KEYS[1]))
if kind_of(one) ~= 'L' or epoch_of(one) > tonumber(ARGV[1]) then
  return 0
end
one[ARGV[2]] = ''
write(KEYS[1], one, one.used)
return 1

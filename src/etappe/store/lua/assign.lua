-- Makes a subject an alias of a customer, or its own customer again, unless that or a later change was done already.
-- KEYS: record, members   ARGV: kind (L alias, O own), epoch (15 digits), root (for L), day
-- A graph part is kind, epoch, for an alias the root (16 bytes), then the subjects whose bases are to be joined.
-- Returns the graph part there is now, empty where a later change was faster.
local one = opened(redis.call('GET', KEYS[1]))
if epoch_of(one) > tonumber(ARGV[2]) then
  return ''
end
if kind_of(one) == ARGV[1] and ARGV[1] == 'O' and epoch_of(one) == tonumber(ARGV[2]) then
  return one.graph
end
local waiting = waiting_of(one)
if ARGV[1] == 'O' then
  waiting, one.base, one.tail, one.seen = '', '', '', ''
  one.consent, one.hot[1] = 0, 0
else
  redis.call('DEL', KEYS[2])
end
one.graph = ARGV[1] .. ARGV[2] .. ARGV[3] .. waiting
write(KEYS[1], one, tonumber(ARGV[4]))
return one.graph

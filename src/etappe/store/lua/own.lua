-- Keeps what a browser sent without proof in its own record: its customer's, while it is nobody's alias, else beside it.
-- KEYS: record of the browser, the record it has as an alias, long tails
-- ARGV: tail limit (bytes), codes that are spoken, day, subject of the browser, of that record, the head of the graph part
--       as it has to be (16 bytes; empty: any), a base for that record where it has none, then records (with blocks)
-- Returns how many were not there already.
-- The graph is read here and not by the caller: between its reading and this the browser may have become an alias, whose
-- tail nobody reads any more. What is copied when it becomes one asks for the head of that step: a later step has its own.
local one = opened(redis.call('GET', KEYS[1]))
if ARGV[6] ~= '' and ARGV[6] ~= string.sub(one.graph, 1, 16) then
  return 0
end
local linked = kind_of(one) == 'L'
local key = KEYS[linked and 2 or 1]
if linked then
  one = opened(redis.call('GET', key))
  if ARGV[7] ~= '' and one.base == '' then
    one.base = ARGV[7]
    heed_all(one, ARGV[2])
  end
end
local added = add(one, ARGV[2], ARGV, 8)
one.used = tonumber(ARGV[3])
write(key, one, one.used)
if #one.tail > tonumber(ARGV[1]) then
  redis.call('SADD', KEYS[3], ARGV[linked and 5 or 4])
end
return added

-- Keeps what a browser sent without proof in its own record: its customer's, while it is nobody's alias, else beside it.
-- KEYS: graph, base, tail of the browser, base and tail of the record it has as an alias, long tails
-- ARGV: tail limit (bytes), seconds to live, subject of the browser, of that record, the head of the graph value as it
--       has to be (16 bytes; empty: any), a base for that record where it has none, then records (with blocks)
-- Returns how many were not there already.
-- The graph is read here and not by the caller: between its reading and this the browser may have become an alias, whose
-- tail nobody reads any more. What is copied when it becomes one asks for the head of that step: a later step has its own.
local head = redis.call('GETRANGE', KEYS[1], 0, 15)
if ARGV[5] ~= '' and ARGV[5] ~= head then
  return 0
end
local linked = string.sub(head, 1, 1) == 'L'
local base_key, tail_key = KEYS[linked and 4 or 2], KEYS[linked and 5 or 3]
if linked and ARGV[6] ~= '' then
  redis.call('SET', base_key, ARGV[6], 'NX')
end
local base, tail, added = redis.call('GET', base_key) or '', redis.call('GET', tail_key) or '', 0
for at = 7, #ARGV do
  local hash = string.sub(ARGV[at], 1, 8)
  if not string.find(tail, hash, 1, true) and not string.find(base, hash, 1, true) then
    tail = tail .. ARGV[at]
    redis.call('APPEND', tail_key, ARGV[at])
    added = added + 1
  end
end
redis.call('EXPIRE', base_key, ARGV[2])
redis.call('EXPIRE', tail_key, ARGV[2])
if #tail > tonumber(ARGV[1]) then
  redis.call('SADD', KEYS[6], ARGV[linked and 4 or 3])
end
return added

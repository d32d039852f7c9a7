-- Ends a change of the identity graph.   KEYS: lock, intent
-- ARGV: token, the number of the change of which nothing is left to be done (0: none). It is forgotten even where the
-- lock is lost: what took longer than the lock would else be done again by everybody after, and take as long again.
local intent = redis.call('GET', KEYS[2])
if intent and string.match(intent, '^(%d+) ') == ARGV[2] then
  redis.call('DEL', KEYS[2])
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
return 0

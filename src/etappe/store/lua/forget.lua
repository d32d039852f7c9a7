-- Takes away everything that there is under a subject; what happened before is refused from now on. Done once only.
-- KEYS: gone, long tails, dirty, then what is to go   ARGV: since when (Unix ms), subject
if tonumber(redis.call('GET', KEYS[1]) or '-1') >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', unpack(KEYS, 4))
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
return 1

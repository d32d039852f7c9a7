-- Takes away everything that there is under a subject; what happened before is refused from now on. Done once only.
-- KEYS: gone, when somebody of the partition was last erased, long tails, dirty, then what is to go
-- ARGV: since when (Unix ms), subject
if tonumber(redis.call('GET', KEYS[1]) or '-1') >= tonumber(ARGV[1]) then
  return 0
end
if tonumber(redis.call('GET', KEYS[2]) or '-1') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[2], ARGV[1])
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', unpack(KEYS, 5))
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[2])
return 1

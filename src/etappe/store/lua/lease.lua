-- Renews a replica's lease, saying how far it has applied the configuration; forgets replicas whose lease lapsed.
-- KEYS: leases (sorted set: replica by expiry), positions (hash), the journal's mark, beat
-- ARGV: replica, position, length of the lease (ms; 0 gives it up), the least mark ('' asks for none)
-- Returns the positions of all, or, to who renews a lease, how often that was done by anybody: a number that only grows,
-- unless Redis is set back. The mark alone, and there is no lease, where it is not of the generation or older.
local mark = redis.call('GET', KEYS[3]) or ''
if not stands(mark, ARGV[4]) then
  return mark
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- What was there goes first, which needs no memory: a script that has begun to write is not stopped by a full Redis. So
-- replicas go on answering there. (The flag allow-oom says the same, but is an error before Redis 7.)
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
for _, replica in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], replica)
  redis.call('HDEL', KEYS[2], replica)
end
if tonumber(ARGV[3]) > 0 then
  return redis.call('INCR', KEYS[4])
end
return redis.call('HVALS', KEYS[2])

-- Takes away what is kept of somebody who has not been there for long, unless they have come since.
-- KEYS: record, long tails, dirty, members   ARGV: the header as read, subject
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
return 1

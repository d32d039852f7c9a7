-- Begins a change of the identity graph: journals it and notes what is to be done, so that anyone can finish it.
-- KEYS: lock, epoch, stream, intent   ARGV: token, Unix ms, rows of the journal (JSON), steps (JSON)
-- Returns the number of the change, 0 where the lock is lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local epoch = redis.call('INCR', KEYS[2])
if epoch < tonumber(ARGV[2]) then -- the count goes on even where Redis has lost it
  epoch = tonumber(ARGV[2])
  redis.call('SET', KEYS[2], ARGV[2])
end
if ARGV[3] ~= '[]' then
  redis.call('XADD', KEYS[3], '*', 'n', epoch, 't', ARGV[2], 'p', ARGV[3])
end
redis.call('SET', KEYS[4], epoch .. ' ' .. ARGV[4])
return epoch

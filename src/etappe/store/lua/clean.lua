-- Takes a customer off those to be rebuilt, unless it was found dirty again.   KEYS: dirty   ARGV: subject, score
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0

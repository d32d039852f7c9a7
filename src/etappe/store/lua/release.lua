-- Ends a change of the identity graph.   KEYS: lock, intent   ARGV: token, 1 where nothing is left to be done
if redis.call('GET', KEYS[1]) == ARGV[1] then
  if ARGV[2] == '1' then
    redis.call('DEL', KEYS[2])
  end
  redis.call('DEL', KEYS[1])
  return 1
end
return 0

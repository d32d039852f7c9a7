-- Writes the identities of a customer, unless a later change was faster. Bases of those who left are joined no longer.
-- KEYS: members, graph   ARGV: epoch (15 digits), seconds to live, then subject and node of each
local value, epoch = redis.call('GET', KEYS[2]) or '', tonumber(ARGV[1])
local last = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0'), tonumber(string.sub(value, 2, 16)) or 0)
if last > epoch then
  return 0
end
local listed, kept = {}, ''
for at = 3, #ARGV, 2 do
  listed[ARGV[at]] = true
end
if string.sub(value, 1, 1) == 'O' then
  for at = 17, #value, 16 do
    local one = string.sub(value, at, at + 15)
    kept = kept .. (listed[one] and one or '')
  end
  redis.call('SET', KEYS[2], string.sub(value, 1, 16) .. kept, 'EX', ARGV[2])
end
local said = kept ~= '' and redis.call('HGET', KEYS[1], 'said')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], unpack(ARGV, 3))
if said then
  redis.call('HSET', KEYS[1], 'said', said)
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1

-- Writes the identities of a customer, unless a later change was faster. Bases of those who left are joined no longer.
-- KEYS: members, record   ARGV: epoch (15 digits), codes that are spoken, day, then subject and node of each
local one, epoch = opened(redis.call('GET', KEYS[2])), tonumber(ARGV[1])
if math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0'), epoch_of(one)) > epoch then
  return 0
end
local listed, kept, before = {}, '', waiting_of(one)
for at = 4, #ARGV, 2 do
  listed[ARGV[at]] = true
end
if kind_of(one) == 'O' and before ~= '' then
  for at = 1, #before, 16 do
    local subject = string.sub(before, at, at + 15)
    kept = kept .. (listed[subject] and subject or '')
  end
  if kept ~= before then
    one.graph = string.sub(one.graph, 1, 16) .. kept
    if kept == '' then
      heed_all(one, ARGV[2])
    end
    write(KEYS[2], one, tonumber(ARGV[3]))
  end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], unpack(ARGV, 4))
return 1

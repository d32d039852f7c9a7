-- Accepts one batch of events of one partition: stream and tails in one step, repeats recognised.
-- KEYS: stream, long tails, then base and tail of each customer in the batch
-- ARGV: tail limit (bytes), seconds to live, then for each event: customer (1.., 0 for nobody), event hash (8 bytes),
--       record (with blocks), subject, event as JSON
-- Returns for each event 1 (accepted) or 0 (duplicate).
local limit, ttl = tonumber(ARGV[1]), ARGV[2]
local bases, tails, touched, answers = {}, {}, {}, {}

for at = 3, #ARGV, 5 do
  local customer, hash = tonumber(ARGV[at]), ARGV[at + 1]
  local repeated = false
  if customer > 0 then
    if not bases[customer] then
      bases[customer] = redis.call('GET', KEYS[1 + 2 * customer]) or ''
      tails[customer] = redis.call('GET', KEYS[2 + 2 * customer]) or ''
    end
    repeated = string.find(tails[customer], hash, 1, true) or string.find(bases[customer], hash, 1, true)
  end
  if repeated then
    answers[#answers + 1] = 0
  else
    redis.call('XADD', KEYS[1], '*', 's', ARGV[at + 3], 'e', ARGV[at + 4])
    if customer > 0 then
      tails[customer] = tails[customer] .. ARGV[at + 2]
      redis.call('APPEND', KEYS[2 + 2 * customer], ARGV[at + 2])
      touched[customer] = ARGV[at + 3]
    end
    answers[#answers + 1] = 1
  end
end

for customer, subject in pairs(touched) do
  redis.call('EXPIRE', KEYS[1 + 2 * customer], ttl)
  redis.call('EXPIRE', KEYS[2 + 2 * customer], ttl)
  if #tails[customer] > limit then
    redis.call('SADD', KEYS[2], subject)
  end
end
return answers

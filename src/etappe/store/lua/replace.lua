-- Replaces a customer's base, and the first bytes of the tail, unless another worker was faster.
-- KEYS: base, tail, long tails, graph
-- ARGV: generation the base had when read (4 bytes, empty: none), the tail as read, new base (empty: none), seconds to
--       live, subject, subjects whose bases are in the new one, the head of the graph value as read (16 bytes or none),
--       records to keep of the tail as read
-- Returns 1 where it was done, 0 where the record had changed otherwise than by new events.
local base, tail = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) or ''
local generation = base and string.sub(base, 5, 8) or ''
local graph = redis.call('GET', KEYS[4]) or ''
if generation ~= ARGV[1] or string.sub(tail, 1, #ARGV[2]) ~= ARGV[2] then
  return 0
end
if string.sub(graph, 1, 1) == 'L' or string.sub(graph, 1, 16) ~= ARGV[7] then
  return 0
end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
end
local rest = ARGV[8] .. string.sub(tail, #ARGV[2] + 1)
if rest == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], rest, 'EX', ARGV[4])
end
redis.call('SREM', KEYS[3], ARGV[5])
if ARGV[6] ~= '' then
  local waiting = ''
  for at = 17, #graph, 16 do
    local one, held = string.sub(graph, at, at + 15), false
    for place = 1, #ARGV[6], 16 do
      held = held or string.sub(ARGV[6], place, place + 15) == one
    end
    if not held then
      waiting = waiting .. one
    end
  end
  redis.call('SET', KEYS[4], string.sub(graph, 1, 16) .. waiting, 'EX', ARGV[4])
end
return 1

-- Accepts one batch of events of one partition: stream and tails in one step, repeats recognised.
-- KEYS: stream, long tails, then of each customer in the batch: base, tail, graph, members, seen, rate, gone; the mark
-- ARGV: tail limit (bytes), seconds to live, 1 where unknown consent denies, events a minute, code of set_consent,
--       codes whose records carry blocks (bytes), number of customers, their subjects, then for each event: its head,
--       record (with blocks), event as JSON, flag, raw payload. A head is the subject (16 bytes), t (to the tail), c
--       (too, and when the alias was erased is known) or n (nobody's), the customer (1..), ":", the minute it counts in,
--       with a u behind it where it was not proved whose it is: these count apart, so that they cause no flag of others.
--       The last is the least mark.
-- Returns for each event 1 (accepted), 0 (duplicate), -1 (belongs to another customer now), -2 (erased since), and behind
-- them the mark. Where that does not stand nothing is taken, and the mark alone is returned.
-- Mark and least mark come off their lists first: what is left is counted from the front, and to its end.
local least, mark = table.remove(ARGV), redis.call('GET', table.remove(KEYS)) or ''
if not stands(mark, least) then
  return mark
end
local EACH, WIDTH = 5, 40
local SEEN_BYTES, SEEN_SECONDS, RATE_SECONDS, RATE_MINUTES = 256 * 8, 7 * 86400, 120, 64
local limit, ttl, unknown_denies, most = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local consent_code, carrying, count = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local customers, answers, carries = {}, {}, {}
for at = 1, #carrying do
  carries[string.byte(carrying, at)] = true
end

local function number(text, at)
  local value = 0
  for place = 7, 0, -1 do
    value = value * 256 + string.byte(text, at + place)
  end
  return value
end

-- Whether a customer's last word on personalisation, in base, bases that wait to be joined, or tail, forbids it.
local function denies(base, waiting, tail)
  local said, since = 0, 0
  if #base > 0 then
    local flags = string.byte(base, 2)
    said = flags % 4 >= 2 and 2 or flags % 2
    since = number(base, 17)
  end
  local verdict, time = string.match(waiting, '^(%d):(%d+)$')
  if verdict and (said == 0 or tonumber(time) > since or tonumber(time) == since and verdict == '2') then
    said, since = tonumber(verdict), tonumber(time)
  end
  local at = 1
  while at <= #tail do
    local code, blocks = string.byte(tail, at + 38), 0
    if carries[code] then
      blocks = string.byte(tail, at + 36) + 256 * string.byte(tail, at + 37)
    end
    if code == consent_code and string.byte(tail, at + 8) > 0 and number(tail, at + 16) >= since then
      said, since = string.byte(tail, at + 8), number(tail, at + 16)
    end
    at = at + WIDTH * (1 + blocks)
  end
  return said == 2 or (said == 0 and unknown_denies)
end

local function customer_at(place)
  local one = customers[place]
  if not one then
    local keys = {unpack(KEYS, 3 + 7 * (place - 1), 9 + 7 * (place - 1))}
    one = {keys = keys, subject = ARGV[7 + place], base = redis.call('GET', keys[1]) or '', tail = redis.call('GET', keys[2]) or ''}
    local graph = redis.call('GET', keys[3]) or ''
    one.alias = string.sub(graph, 1, 1) == 'L'
    one.waiting = not one.alias and #graph > 16 and redis.call('HGET', keys[4], 'said') or ''
    one.seen = redis.call('GET', keys[5]) or ''
    one.gone = tonumber(redis.call('GET', keys[7]) or '-1') * 1000
    one.denies = denies(one.base, one.waiting, one.tail)
    customers[place] = one
  end
  return one
end

-- Looks for eight bytes anywhere, not only where hashes begin: what is no repeat is taken for one once in 2^64 places.
local function is_known(one, hash)
  return string.find(one.tail, hash, 1, true) or string.find(one.base, hash, 1, true)
    or string.find(one.seen, hash, 1, true)
end

local function too_many(one, minute)
  if minute == '' then
    return false
  end
  if redis.call('HLEN', one.keys[6]) >= RATE_MINUTES then
    redis.call('DEL', one.keys[6])
  end
  local count = redis.call('HINCRBY', one.keys[6], minute, 1)
  redis.call('EXPIRE', one.keys[6], RATE_SECONDS)
  return count > most
end

local function take(one, subject, hash, minute, at)
  local record, json, flag = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local code = string.byte(record, 39)
  if flag == '' and too_many(one, minute) then
    flag = 'rate'
  end
  local nobody = string.sub(ARGV[at], 17, 17) == 'n'
  local private = not nobody and one.denies and code ~= consent_code
  local entry = {'s', (nobody or private) and '' or subject, 'e', json}
  if flag ~= '' then entry[#entry + 1] = 'f'; entry[#entry + 1] = flag end
  if private then entry[#entry + 1] = 'a'; entry[#entry + 1] = '1' end
  if ARGV[at + 4] ~= '' and not private then entry[#entry + 1] = 'r'; entry[#entry + 1] = ARGV[at + 4] end
  redis.call('XADD', KEYS[1], '*', unpack(entry))
  if nobody or private or flag ~= '' then
    one.seen = string.sub(one.seen .. hash, -SEEN_BYTES)
    one.seen_more = true
  else
    one.tail = one.tail .. record
    one.appended = (one.appended or '') .. record
    if code == consent_code then
      one.denies = denies(one.base, one.waiting, one.tail)
    end
  end
end

for at = 8 + count, #ARGV, EACH do
  local place, minute = string.match(ARGV[at], '^(%d+):(%d*u?)$', 18)
  local one = customer_at(tonumber(place))
  local subject, hash = string.sub(ARGV[at], 1, 16), string.sub(ARGV[at + 1], 1, 8)
  local own = subject == one.subject
  -- The tombstone asked is the customer's. An alias has one of its own, in another slot, that only the caller can ask: so
  -- what may be from before the customer's goes back once, and comes again as `c` when that is known.
  local erased = one.gone >= 0 and number(ARGV[at + 1], 17) <= one.gone
  local sure = own or string.sub(ARGV[at], 17, 17) == 'c' or not erased
  if own and one.alias or not own and redis.call('HEXISTS', one.keys[4], subject) == 0 or not sure then
    answers[#answers + 1] = -1
  elseif own and erased then
    answers[#answers + 1] = -2
  elseif is_known(one, hash) then
    answers[#answers + 1] = 0
  else
    take(one, subject, hash, minute, at)
    answers[#answers + 1] = 1
  end
end

for _, one in pairs(customers) do
  if one.seen_more then
    redis.call('SET', one.keys[5], one.seen, 'EX', SEEN_SECONDS)
  end
  if one.appended then
    redis.call('APPEND', one.keys[2], one.appended)
    if #one.tail > limit then
      redis.call('SADD', KEYS[2], one.subject)
    end
  end
  for index = 1, 4 do
    redis.call('EXPIRE', one.keys[index], ttl)
  end
end
answers[#answers + 1] = mark
return answers

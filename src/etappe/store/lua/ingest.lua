-- Accepts events of one partition: stream and tails in one step, repeats recognised.
-- KEYS: mark, stream, long tails, then of each customer: base, tail, graph, members, seen, rate, gone
-- ARGV: the least mark, settings, number of customers, what each of them gets, then the row of each event in that order.
--       calls.py has the places of settings and of what a customer gets, rows.py those of a row.
-- Returns for each event 1 (accepted), 0 (duplicate), -1 (belongs to another customer now), -2 (erased since), and behind
-- them the mark. Where that does not stand nothing is taken, and the mark alone is returned.
local mark = redis.call('GET', KEYS[1]) or ''
if not stands(mark, ARGV[1]) then
  return mark
end
local WIDTH, FIRST_KEY, EACH, FIRST, HEAD = 40, 3, 7, 3, 8
local NOBODYS, CHECKED, COUNTED, UNPROVEN, FLAGGED, ALIAS = 1, 2, 4, 8, 16, 32
local SEEN_BYTES, SEEN_SECONDS, RATE_SECONDS, RATE_MINUTES = 256 * 8, 7 * 86400, 120, 64
local limit, ttl, most, consent_code, unknown_denies, after = struct.unpack('<I4I4I4BB', ARGV[2])
local count, carries = tonumber(ARGV[3]), {}
for at = after, #ARGV[2] do
  carries[string.byte(ARGV[2], at)] = true
end
unknown_denies = unknown_denies == 1

local function has(kind, flag)
  return kind % (2 * flag) >= flag
end

-- Whether a customer's last word on personalisation, in base, bases that wait to be joined, or tail, forbids it.
local function denies(base, waiting, tail)
  local said, since = 0, 0
  if #base > 0 then
    local flags = string.byte(base, 2)
    said = flags % 4 >= 2 and 2 or flags % 2
    since = struct.unpack('<i8', base, 17)
  end
  local verdict, time = string.match(waiting, '^(%d):(%d+)$')
  if verdict and (said == 0 or tonumber(time) > since or tonumber(time) == since and verdict == '2') then
    said, since = tonumber(verdict), tonumber(time)
  end
  local at = 1
  while at <= #tail do
    local code, blocks = string.byte(tail, at + 38), 0
    if carries[code] then
      blocks = struct.unpack('<I2', tail, at + 36)
    end
    if code == consent_code and string.byte(tail, at + 8) > 0 then
      local time = struct.unpack('<i8', tail, at + 16)
      if time >= since then
        said, since = string.byte(tail, at + 8), time
      end
    end
    at = at + WIDTH * (1 + blocks)
  end
  return said == 2 or (said == 0 and unknown_denies)
end

local function customer_at(place)
  local keys = {unpack(KEYS, FIRST_KEY + EACH * (place - 1) + 1, FIRST_KEY + EACH * place)}
  local one = {keys = keys, subject = string.sub(ARGV[FIRST + place], 1, 16), new = {}, fresh = {}}
  one.base, one.tail = redis.call('GET', keys[1]) or '', redis.call('GET', keys[2]) or ''
  local graph = redis.call('GET', keys[3]) or ''
  one.alias = string.sub(graph, 1, 1) == 'L'
  one.waiting = not one.alias and #graph > 16 and redis.call('HGET', keys[4], 'said') or ''
  one.seen = redis.call('GET', keys[5]) or ''
  one.gone = tonumber(redis.call('GET', keys[7]) or '-1') * 1000
  one.denies = denies(one.base, one.waiting, one.tail)
  return one
end

-- Looks for eight bytes anywhere, not only where hashes begin: what is no repeat is taken for one once in 2^64 places.
local function is_known(one, hash)
  return one.fresh[hash] or string.find(one.tail, hash, 1, true) or string.find(one.base, hash, 1, true)
    or string.find(one.seen, hash, 1, true)
end

local function too_many(one, kind, minute)
  if not has(kind, COUNTED) then
    return false
  end
  if redis.call('HLEN', one.keys[6]) >= RATE_MINUTES then
    redis.call('DEL', one.keys[6])
  end
  local counted = redis.call('HINCRBY', one.keys[6], minute .. (has(kind, UNPROVEN) and 'u' or ''), 1)
  redis.call('EXPIRE', one.keys[6], RATE_SECONDS)
  return counted > most
end

local fields, statuses = {}, {}

local function take(one, kind, minute, hash, record, row)
  local code, flagged = string.byte(record, 39), has(kind, FLAGGED)
  local private = not has(kind, NOBODYS) and one.denies and code ~= consent_code
  local fast = not flagged and too_many(one, kind, minute)
  if fast or private then
    local _, flag_bytes = string.byte(row, 1, 2)
    row = row_with(row, fast and 'rate' or string.sub(row, ROW_HEAD + 1, ROW_HEAD + flag_bytes), private)
  end
  fields[#fields + 1] = #fields / 2 + 1
  fields[#fields + 1] = row
  one.fresh[hash] = true
  if has(kind, NOBODYS) or private or flagged or fast then
    one.seen, one.seen_more = string.sub(one.seen .. hash, -SEEN_BYTES), true
  else
    one.new[#one.new + 1] = record
    if code == consent_code then
      one.tail = one.tail .. table.concat(one.new)
      one.appended, one.new = (one.appended or '') .. table.concat(one.new), {}
      one.denies = denies(one.base, one.waiting, one.tail)
    end
  end
end

-- What became of an event whose head is at `at`, and where the next one is.
local function answer(one, told, at, row)
  local kind, _, length, minute, from = struct.unpack('<BBI2I4', told, at)
  local subject = one.subject
  if has(kind, ALIAS) then
    subject, from = string.sub(told, from, from + 15), from + 16
  end
  local next = from + length * WIDTH
  local own, hash = not has(kind, ALIAS), string.sub(told, from, from + 7)
  -- The tombstone asked is the customer's. An alias has one of its own, in another slot, that only the caller can ask: so
  -- what may be from before the customer's goes back once, and comes again as CHECKED when that is known.
  local erased = one.gone >= 0 and struct.unpack('<i8', told, from + 16) <= one.gone
  if own and one.alias or not own and redis.call('HEXISTS', one.keys[4], subject) == 0 then
    return -1, next
  elseif erased and not own and not has(kind, CHECKED) then
    return -1, next
  elseif own and erased then
    return -2, next
  elseif is_known(one, hash) then
    return 0, next
  end
  take(one, kind, minute, hash, string.sub(told, from, next - 1), row)
  return 1, next
end

local function finish(one)
  if one.seen_more then
    redis.call('SET', one.keys[5], one.seen, 'EX', SEEN_SECONDS)
  end
  local appended = (one.appended or '') .. table.concat(one.new)
  if appended ~= '' then
    if redis.call('APPEND', one.keys[2], appended) > limit then
      redis.call('SADD', KEYS[3], one.subject)
    end
  end
  for index = 1, 4 do
    redis.call('EXPIRE', one.keys[index], ttl)
  end
end

local customers = {}
for place = 1, count do
  local one, told, at = customer_at(place), ARGV[FIRST + place], 17
  while at <= #told do
    statuses[#statuses + 1], at = answer(one, told, at, ARGV[FIRST + count + #statuses + 1])
  end
  customers[place] = one
end
-- First, as a script that fails stays half done: what is in no stream may be in no record, else a repeat would be lost.
if #fields > 0 then
  redis.call('XADD', KEYS[2], '*', unpack(fields))
end
for _, one in ipairs(customers) do
  finish(one)
end
statuses[#statuses + 1] = mark
return statuses

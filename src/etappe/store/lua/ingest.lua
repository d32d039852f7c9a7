-- Accepts events of one partition: stream and records in one step, repeats recognised.
-- KEYS: mark, stream, long tails, when somebody of the partition was last erased (Unix ms), the record of each customer,
--       then the members of those of whom events come under another subject
-- ARGV: the least mark, settings, number of customers, what each of them gets, then the row of each event in that order.
--       calls.py has the places of settings and of what a customer gets, rows.py those of a row, envelope.py of a record.
-- Returns for each event 1 (accepted), 0 (duplicate) or -1 (belongs to another customer now, or somebody was erased since
-- it happened of whom the caller does not know), and behind them the mark. Where that does not stand nothing is taken,
-- and the mark alone is returned.
--
-- What this costs for a customer does not grow with their tail: of a value that is longer than usual only the base and
-- the end of the tail are read and searched, and nothing that is kept is copied. This is where the server spends its
-- time: so there are few functions, as each costs a call its making, and tables are made with all their fields.
local mark = redis.call('GET', KEYS[1]) or ''
if not stands(mark, ARGV[1]) then
  return mark
end
local FIRST_KEY, FIRST, USUAL, SEARCHED = 4, 3, 65536, 1024 * WIDTH
local NO_HOT = string.rep('\0', HOT_BYTES)
local limit, most, day, consent_code, unknown_denies, after = struct.unpack('<I4I4I2BB', ARGV[2])
local seen_end, count = string.sub(ARGV[2], after), tonumber(ARGV[3])
local erased = tonumber(redis.call('GET', KEYS[4]) or '-1')
local members_key, kinds, fields, statuses, customers = FIRST_KEY + count, {}, {}, {}, {}

-- What a kind means, worked out once a call.
local function kind_of(kind)
  local told = {
    nobodys = has(kind, 1), checked = has(kind, 2), counted = has(kind, 4), unproven = has(kind, 8),
    flagged = has(kind, 16), alias = has(kind, 32),
  }
  kinds[kind] = told
  return told
end

-- The record of a customer. `search` is where that begins which is searched for hashes, `hot_at` the hot part, `said` when
-- the last word on personalisation was said. What cannot be read denies everything, and is left as it is.
local function customer_at(place)
  local key = KEYS[FIRST_KEY + place]
  local value = redis.call('GETRANGE', key, 0, USUAL - 1)
  local consent, flags, used, search, base_at, hot_at, tail_at, last = 0, 0, 0, 1, 1, 1, 1, false
  local damaged = value ~= '' and (#value < HEADER or string.byte(value) ~= VERSION)
  local tail_bytes = 0
  if damaged then
    value, consent = '', 2
  elseif value ~= '' then
    local _, seen, base, graph
    _, consent, flags, seen, base, graph, used = struct.unpack(HEADER_FORMAT, value)
    search = HEADER + graph + 1
    base_at = search + seen * 8
    hot_at = base_at + base
    tail_at = hot_at + (has(flags, HOT) and HOT_BYTES or 0)
    tail_bytes = #value - tail_at + 1
    if #value == USUAL then
      local whole = redis.call('STRLEN', key)
      tail_bytes = whole - tail_at + 1
      if tail_at > USUAL then
        value = redis.call('GETRANGE', key, 0, tail_at - 2)
      end
      last = redis.call('GETRANGE', key, math.max(tail_at - 1, whole - SEARCHED), -1)
    end
  end
  local hot = has(flags, HOT) and string.sub(value, hot_at, hot_at + HOT_BYTES - 1)
    or hot_at - base_at >= 24 and string.sub(value, base_at + 16, base_at + 23) .. string.rep('\0', HOT_BYTES - 8)
    or NO_HOT
  return {
    key = key, value = value, damaged = damaged, consent = consent, flags = flags, used = used, search = search,
    hot_at = hot_at, last = last, tail_bytes = tail_bytes, hot = hot, hot_before = has(flags, HOT) and hot or false,
    consent_before = consent, new = false, fresh = false, now_seen = false, now_told = false, members = false,
    alias = has(flags, ALIAS),
  }
end

-- Counts an event in its minute; whether there are too many. Four minutes are kept, so that what comes late does not begin
-- one again.
local function too_many(one, kind, minute)
  local at = 9 + 8 * (minute % MINUTES)
  local counted_in, proven, unproven = struct.unpack('<I4I2I2', one.hot, at)
  if counted_in ~= minute then
    proven, unproven = 0, 0
  end
  if kind.unproven then
    unproven = math.min(unproven + 1, 65535)
  else
    proven = math.min(proven + 1, 65535)
  end
  one.hot = string.sub(one.hot, 1, at - 1) .. struct.pack('<I4I2I2', minute, proven, unproven) .. string.sub(one.hot, at + 8)
  return (kind.unproven and unproven or proven) > most
end

local function take(one, kind, minute, told, from, next, row)
  local code = string.byte(told, from + 38)
  local denied = one.consent == 2 or one.consent == 0 and unknown_denies == 1
  local private = denied and not kind.nobodys and (code ~= consent_code or one.damaged)
  local fast = kind.counted and not kind.flagged and too_many(one, kind, minute)
  if fast or private then
    local _, flag_bytes = string.byte(row, 1, 2)
    row = row_with(row, fast and 'rate' or string.sub(row, ROW_HEAD + 1, ROW_HEAD + flag_bytes), private)
  end
  local number = #fields
  fields[number + 1], fields[number + 2] = number / 2 + 1, row
  local new
  if kind.nobodys or private or kind.flagged or fast then
    new, one.now_seen = string.sub(told, from, from + 7) .. seen_end, true
  else
    new, one.now_told = string.sub(told, from, next - 1), true
    if code == consent_code then
      local verdict, time, said = string.byte(told, from + 8), struct.unpack('<i8', told, from + 16), struct.unpack('<i8', one.hot)
      if verdict > 0 and (one.consent == 0 or time >= said) then
        one.consent, one.hot = verdict, struct.pack('<i8', time) .. string.sub(one.hot, 9)
      end
    end
  end
  if not one.new then
    one.new = new
  elseif type(one.new) == 'table' then
    one.new[#one.new + 1] = new
  else
    one.new = {one.new, new}
  end
end

-- What became of an event whose head is at `at`, and where the next one is. `several` are of this customer in this call.
local function answer(one, told, at, row, several)
  local kind, _, length, minute, from = struct.unpack('<BBI2I4', told, at)
  kind = kinds[kind] or kind_of(kind)
  local subject, known_of = nil, -1
  if kind.alias then
    subject, from = string.sub(told, from, from + 15), from + 16
  end
  if kind.checked then
    known_of, from = struct.unpack('<i8', told, from)
  end
  local next, hash = from + length * WIDTH, string.sub(told, from, from + 7)
  if not subject and one.alias or subject and redis.call('HEXISTS', one.members, subject) == 0 then
    return -1, next
  elseif erased ~= known_of and struct.unpack('<i8', told, from + 16) <= erased * 1000 then
    -- Tombstones are keyed hashes, and an alias' own is in another slot: the caller asks them, and says as of when.
    return -1, next
  end
  -- Looked for anywhere, not only where hashes begin: what is no repeat is taken for one once in 2^64 places.
  if string.find(one.value, hash, one.search, true) or one.last and string.find(one.last, hash, 1, true)
    or one.fresh and one.fresh[hash] then
    return 0, next
  end
  if several then
    one.fresh = one.fresh or {}
    one.fresh[hash] = true
  end
  take(one, kind, minute, told, from, next, row)
  return 1, next
end

for place = 1, count do
  local one, told, at = customer_at(place), ARGV[FIRST + place], 18
  if string.byte(told, 17) == 1 then
    members_key = members_key + 1
    one.members = KEYS[members_key]
  end
  local number, several = #statuses, false
  while at <= #told do
    number = number + 1
    statuses[number], at = answer(one, told, at, ARGV[FIRST + count + number], several or at < #told)
    several = true
  end
  customers[place] = one
end
-- First, as a script that fails stays half done: what is in no stream may be in no record, else a repeat would be lost.
if #fields > 0 then
  redis.call('XADD', KEYS[2], '*', unpack(fields))
end
-- At most one APPEND, one SETRANGE of the hot part, and those of the header where flags, consent or the day have changed.
for place = 1, count do
  local one = customers[place]
  if one.new and not one.damaged then
    local new = type(one.new) == 'table' and table.concat(one.new) or one.new
    local flags = one.flags + (one.hot_before and 0 or HOT)
      + (one.now_seen and not has(one.flags, SEEN) and SEEN or 0) + (one.now_told and not has(one.flags, TOLD) and TOLD or 0)
    if one.value == '' then
      local header = struct.pack(HEADER_FORMAT, VERSION, one.consent, flags, 0, 0, 0, day)
      redis.call('SET', one.key, header .. one.hot .. new)
    elseif one.hot_before then
      redis.call('APPEND', one.key, new)
      if one.hot ~= one.hot_before then
        redis.call('SETRANGE', one.key, one.hot_at - 1, one.hot)
      end
    else
      redis.call('APPEND', one.key, one.hot .. new)
    end
    if one.value ~= '' and (flags ~= one.flags or one.consent ~= one.consent_before) then
      redis.call('SETRANGE', one.key, 0, string.char(VERSION, one.consent, flags))
    end
    if one.value ~= '' and one.used ~= day then
      redis.call('SETRANGE', one.key, HEADER - 2, struct.pack('<I2', day))
    end
    if one.tail_bytes + #new > limit then
      redis.call('SADD', KEYS[3], string.sub(ARGV[FIRST + place], 1, 16))
    end
  end
end
statuses[#statuses + 1] = mark
return statuses

-- Put, behind places.lua, before the scripts that change what is kept of a subject.
-- What a packed base says of personalisation (0 none, 1 granted, 2 denied), and since when.
local function word_in(base)
  if #base < 24 then
    return 0, 0
  end
  local flags = string.byte(base, 2)
  return flags % 4 >= 2 and 2 or flags % 2, (struct.unpack('<i8', base, 17))
end

-- A value taken apart; of none, or of one that this version does not know, what is to be written in its place.
-- `hot` are the numbers of the hot part, the first of them when the last word on personalisation was said.
local function opened(value)
  local one = {consent = 0, flags = 0, used = 0, graph = '', seen = '', base = '', tail = ''}
  one.hot = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
  if not value or #value < HEADER or string.byte(value) ~= VERSION then
    return one
  end
  local _, consent, flags, seen, base, graph, used = struct.unpack(HEADER_FORMAT, value)
  local seen_at = HEADER + graph + 1
  local base_at = seen_at + seen * 8
  local hot_at = base_at + base
  one.consent, one.flags, one.used = consent, flags, used
  one.graph, one.seen = string.sub(value, HEADER + 1, seen_at - 1), string.sub(value, seen_at, base_at - 1)
  one.base = string.sub(value, base_at, hot_at - 1)
  if has(flags, HOT) then
    one.hot = {struct.unpack(HOT_FORMAT, value, hot_at)}
    one.tail = string.sub(value, hot_at + HOT_BYTES)
  elseif base > 0 then
    one.hot[1] = struct.unpack('<i8', one.base, 17)
  end
  return one
end

local function packed_hot(hot)
  return struct.pack(HOT_FORMAT, unpack(hot, 1, 1 + 3 * MINUTES))
end

-- Takes in a word on personalisation. Of one and the same moment a denial counts, or (`later`) what came in later.
local function hear(one, verdict, time, later)
  if verdict > 0 and (one.consent == 0 or time > one.hot[1] or time == one.hot[1] and (later or verdict == 2)) then
    one.consent, one.hot[1] = verdict, time
  end
end

-- Calls `each` with the code of every record of a tail, where it begins, and where the next one does.
-- `spoken` has the code of set_consent, then those of records with blocks.
local function walk(tail, spoken, each)
  local at = 1
  while at <= #tail do
    local code, blocks = string.byte(tail, at + 38), 0
    if string.find(spoken, string.char(code), 2, true) then
      blocks = struct.unpack('<I2', tail, at + 36)
    end
    local next = at + WIDTH * (1 + blocks)
    each(code, at, next)
    at = next
  end
end

-- Takes in what a run of records says of personalisation, and what sorts there are.
local function heed(one, run, spoken)
  local seen, told = has(one.flags, SEEN), has(one.flags, TOLD)
  walk(run, spoken, function(code, at)
    if code == SEEN_CODE then
      seen = true
    else
      told = true
    end
    if code == string.byte(spoken, 1) then
      hear(one, string.byte(run, at + 8), struct.unpack('<i8', run, at + 16), true)
    end
  end)
  one.flags = one.flags - one.flags % 16 + (has(one.flags, ALIAS) and ALIAS or 0) + (has(one.flags, HOT) and HOT or 0)
    + (seen and SEEN or 0) + (told and TOLD or 0)
end

-- Reads all anew: what base and tail say of personalisation, and what sorts of records there are.
local function heed_all(one, spoken)
  one.consent, one.hot[1] = word_in(one.base)
  one.flags = 0
  heed(one, one.tail, spoken)
end

-- Whether an event is known by its hash (8 bytes). They are looked for anywhere, not only where hashes begin: what is no
-- repeat is taken for one once in 2^64 places.
local function knows(one, hash)
  return string.find(one.tail, hash, 1, true) or string.find(one.base, hash, 1, true)
    or string.find(one.seen, hash, 1, true)
end

-- Whether base or tail hold an event. One that is known only because it came in as nobody's (it was flagged, or came
-- without consent) is not held: under another identity it may have been somebody's.
local function holds(one, hash)
  if string.find(one.base, hash, 1, true) then
    return true
  end
  local at = string.find(one.tail, hash, 1, true)
  while at do
    if at % WIDTH ~= 1 or string.byte(one.tail, at + 38) ~= SEEN_CODE then
      return true
    end
    at = string.find(one.tail, hash, at + 1, true)
  end
  return false
end

-- Adds those of `records` (from the place `first` on) to the tail that are not held; returns how many. A record of
-- nobody's event and one of somebody's may have the same hash, and are not each other's repeats.
local function add(one, spoken, records, first)
  local fresh, nobodys, new = {}, {}, {}
  for at = first, #records do
    local hash, is_nobodys = string.sub(records[at], 1, 8), string.byte(records[at], 39) == SEEN_CODE
    local had, is_there = is_nobodys and nobodys or fresh, is_nobodys and knows or holds
    if not had[hash] and not is_there(one, hash) then
      had[hash], new[#new + 1] = true, records[at]
    end
  end
  local run = table.concat(new)
  one.tail = one.tail .. run
  heed(one, run, spoken)
  return #new
end

local function kind_of(one)
  return string.sub(one.graph, 1, 1)
end

local function epoch_of(one)
  return tonumber(string.sub(one.graph, 2, 16)) or 0
end

-- The subjects whose bases are to be joined.
local function waiting_of(one)
  return string.sub(one.graph, kind_of(one) == 'L' and 33 or 17)
end

local function closed(one, hot)
  local flags = (kind_of(one) == 'L' and ALIAS or 0) + (hot and HOT or 0)
  if one.tail ~= '' then
    flags = flags + (has(one.flags, SEEN) and SEEN or 0) + (has(one.flags, TOLD) and TOLD or 0)
  end
  local header = struct.pack(HEADER_FORMAT, VERSION, one.consent, flags, #one.seen / 8, #one.base, #one.graph, one.used)
  return header .. one.graph .. one.seen .. one.base .. (hot and packed_hot(one.hot) .. one.tail or '')
end

-- Writes what there is; nothing where that is nothing. The hot part stays while the tail or bases to be joined need it,
-- or one of its minutes is not long over: whoever sends too much is folded every second, and still counted.
local function write(key, one, day, minute)
  if one.graph == '' and one.seen == '' and one.base == '' and one.tail == '' then
    return redis.call('DEL', key)
  end
  local hot = one.tail ~= '' or kind_of(one) == 'O' and waiting_of(one) ~= ''
  for at = 2, 3 * MINUTES, 3 do
    hot = hot or minute ~= nil and one.hot[at] + 2 > minute
  end
  if one.used == 0 then
    one.used = day
  end
  redis.call('SET', key, closed(one, hot))
end

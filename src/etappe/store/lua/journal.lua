-- Journals a change where the mark is what it was when it was last seen, or newer.
-- KEYS: stream, mark   ARGV: least mark ('' asks for none), length of the generation at its beginning, kind, payload
-- Returns the position; in a list the mark there is, where it is none of those.
local found = redis.call('GET', KEYS[2]) or ''
if ARGV[1] ~= '' and (string.sub(found, 1, ARGV[2]) ~= string.sub(ARGV[1], 1, ARGV[2]) or found < ARGV[1]) then
  return {found}
end
return redis.call('XADD', KEYS[1], '*', 'k', ARGV[3], 'p', ARGV[4])

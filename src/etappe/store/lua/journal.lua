-- Journals a change where the mark is what it was when it was last seen, or newer.
-- KEYS: stream, mark   ARGV: least mark ('' asks for none), kind, payload
-- Returns the position; in a list the mark there is, where it is none of those.
local mark = redis.call('GET', KEYS[2]) or ''
if not stands(mark, ARGV[1]) then
  return {mark}
end
return redis.call('XADD', KEYS[1], '*', 'k', ARGV[2], 'p', ARGV[3])

-- Put before the scripts that read what is kept of a subject: its places, which envelope.py describes.
local VERSION, HEADER, HOT_BYTES, WIDTH, MINUTES = 1, 12, 40, 40, 4
local ALIAS, HOT, SEEN, TOLD, SEEN_CODE = 1, 2, 4, 8, 255
local HEADER_FORMAT, HOT_FORMAT = '<BBBBI4I2I2', '<i8I4I2I2I4I2I2I4I2I2I4I2I2'

local function has(flags, flag)
  return flags % (2 * flag) >= flag
end


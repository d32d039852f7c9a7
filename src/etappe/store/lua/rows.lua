-- Put before the script that writes entries of streams: see rows.py, which has the places of a row.
local ROW_HEAD, ROW_OWNED, ROW_PRIVATE = 6, 1, 2

-- A row with another flag, and where it is private without whose it is and without the payload it was made of.
local function row_with(row, flag, private)
  local kind, flag_bytes, event_bytes = struct.unpack('<BBI4', row)
  local subject = ROW_HEAD + flag_bytes + 1
  local event = subject + (kind % 2 == ROW_OWNED and 16 or 0)
  if private then
    return struct.pack('<BBI4', ROW_PRIVATE, #flag, event_bytes) .. flag .. string.sub(row, event, event + event_bytes - 1)
  end
  return struct.pack('<BBI4', kind, #flag, event_bytes) .. flag .. string.sub(row, subject)
end

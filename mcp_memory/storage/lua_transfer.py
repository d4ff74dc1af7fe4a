"""The scripts of an import: each line of an export is written whole or not at all.

They differ from `lua.py` in that times, order and versions come from the line and not from the moment.
Keys that are made inside a script share the hash tag of the keys passed in.
"""

from mcp_memory.storage.client import Script

_ROWS = """
-- ARGV[at] = number of fields, then the fields.
local function read_row(at)
  local n = tonumber(ARGV[at])
  local fields = {}
  for i = 1, n do fields[i] = ARGV[at + i] end
  return fields, at + n + 1
end

-- As `lift` in lua.py.
local function lift(tombstones, lifted, wp)
  local tombstone = redis.call('HGET', tombstones, wp)
  if not tombstone then return end
  redis.call('HSET', lifted, wp, tombstone)
  redis.call('HDEL', tombstones, wp)
end

local function delete_record(key)
  for i = 1, tonumber(redis.call('HGET', key, 'parts') or '0') do redis.call('DEL', key .. '#' .. i) end
  redis.call('DEL', key)
end
"""

IMPORT_MEMORY = Script(
    _ROWS
    + """
-- KEYS record fingerprints tombstones counter lifted
-- ARGV prefix name fp expected_version said_again channel id sources wp_count wp* row_count (suffix row)*
-- The words `wp` are those that the line would add; the rows are the memory as it is to be, with its versions.
local record, fingerprints, tombstones, counter, lifted = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, name, fp, expected, said_again = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local channel, id, sources, wp_count = ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])

local version = redis.call('HGET', record, 'ver') or '0'
if version ~= expected then return {'changed'} end
local forgotten = {'forgotten'}
for i = 10, 9 + wp_count do
  if redis.call('HEXISTS', tombstones, ARGV[i]) == 1 then forgotten[#forgotten + 1] = ARGV[i] end
end
if #forgotten > 1 and said_again == '0' then return forgotten end

local holder = redis.call('HGET', fingerprints, fp)
if holder and holder ~= name and redis.call('EXISTS', prefix .. holder) == 1 then
  local key = prefix .. holder
  local have = redis.call('HGET', key, 'src') or ''
  local joined = have
  for source in string.gmatch(sources, '[^\\31]+') do
    if not string.find('\\31' .. joined .. '\\31', '\\31' .. source .. '\\31', 1, true) then
      joined = joined == '' and source or joined .. '\\31' .. source
    end
  end
  if joined ~= have then redis.call('HSET', key, 'src', joined) end
  return {'duplicate'}
end

for i = 2, #forgotten do lift(tombstones, lifted, forgotten[i]) end
local seq = redis.call('HGET', record, 'seq') or redis.call('INCR', counter)
local old_fp = redis.call('HGET', record, 'fp')
if old_fp and redis.call('HGET', fingerprints, old_fp) == name then redis.call('HDEL', fingerprints, old_fp) end
for v = 1, tonumber(version) do delete_record(record .. '@' .. v) end
delete_record(record)
local at = 10 + wp_count
local rows, fields = tonumber(ARGV[at]), nil
at = at + 1
for _ = 1, rows do
  local suffix = ARGV[at]
  fields, at = read_row(at + 1)
  redis.call('HSET', record .. suffix, 'seq', seq, unpack(fields))
end
redis.call('HSET', fingerprints, fp, name)
redis.call('PUBLISH', channel, 'memory\\31' .. id)
return {'written'}
"""
)

IMPORT_MESSAGES = Script(
    _ROWS
    + """
-- KEYS state log ids data counter tombstones lifted
-- ARGV record_prefix session_name channel id session_wp continued
--      row (state) data_count (key json)*
--      message_count (name wp mode json extracted row_count row*)*
-- mode: 1 searchable, 2 hidden; 0 and 4 the same if it was not forgotten here; 3 not at all; 5 without words.
local state, log, ids, data, counter = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tombstones, lifted = KEYS[6], KEYS[7]
local prefix, session, channel, id, session_wp, continued = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

-- 1. Read the request.
local given, at = read_row(7)
local pairs_given = {}
for i = 1, tonumber(ARGV[at]) do pairs_given[i] = {ARGV[at + 2 * i - 1], ARGV[at + 2 * i]} end
at = at + 2 * #pairs_given + 1
local messages = {}
local message_count = tonumber(ARGV[at])
at = at + 1
for i = 1, message_count do
  local m = {name = ARGV[at], wp = ARGV[at + 1], mode = ARGV[at + 2], json = ARGV[at + 3], extracted = ARGV[at + 4]}
  local rows = tonumber(ARGV[at + 5])
  at = at + 6
  m.rows = {}
  for part = 1, rows do m.rows[part], at = read_row(at) end
  messages[i] = m
end

-- 2. Ask before anything is written.
local fresh = redis.call('EXISTS', state) == 0
local asked = {}
if session_wp ~= '' then
  local tombstone = redis.call('HGET', tombstones, session_wp)
  if tombstone then asked = {'0', tombstone} end
end
for i, m in ipairs(messages) do
  if (m.mode == '0' or m.mode == '4') and redis.call('HEXISTS', ids, m.name) == 0 then
    local tombstone = redis.call('HGET', tombstones, m.wp)
    if tombstone then
      asked[#asked + 1] = tostring(i)
      asked[#asked + 1] = tombstone
    end
  end
end
if #asked > 0 then return {'forgotten', asked} end
for _, m in ipairs(messages) do m.hidden = m.mode == '2' or m.mode == '4' end
local wanted = message_count == 0
for _, m in ipairs(messages) do wanted = wanted or m.mode ~= '3' end
if fresh and not wanted then return {'nothing'} end

-- 3. The state: taken over where there is none, or an older one.
local offered, newer = {}, false
for i = 1, #given, 2 do offered[given[i]] = given[i + 1] end
if fresh then
  redis.call('HSET', state, 'mark', 0, 'seq', redis.call('INCR', counter), unpack(given))
elseif tonumber(offered.active) > tonumber(redis.call('HGET', state, 'active')) then
  newer = true
  for _, field in ipairs({'active', 'order', 'strategy', 'config', 'summary'}) do
    if offered[field] then redis.call('HSET', state, field, offered[field]) end
  end
else
  pairs_given = {}
end
for _, pair in ipairs(pairs_given) do redis.call('HSET', data, pair[1], pair[2]) end

-- 4. The messages that are not there yet, after those that are.
local before_lex, before_line = unpack(redis.call('HMGET', state, 'last_lex', 'last_line'))
local keeps = redis.call('HGET', state, 'expires')
local mark = tonumber(redis.call('HGET', state, 'mark'))
local added = 0
for _, m in ipairs(messages) do
  if m.mode ~= '3' and redis.call('HEXISTS', ids, m.name) == 0 then
    local place = redis.call('RPUSH', log, m.json) - 1
    redis.call('HSET', ids, m.name, m.hidden and 'h' .. place or place)
    if m.extracted == '1' and mark == place then mark = place + 1 end
    added = added + 1
    if m.hidden then
      before_lex, before_line = false, false  -- what was forgotten is no context
    elseif m.mode ~= '5' then
      local seq = redis.call('INCR', counter)
      for part, row in ipairs(m.rows) do
        local key = prefix .. 'message:' .. session .. '/' .. m.name
        if part > 1 then key = key .. '#' .. (part - 1) end
        redis.call('HSET', key, 'seq', seq, unpack(row))
        if part == 1 and before_lex then redis.call('HSET', key, 'ctx', before_lex, 'prev', before_line) end
        if keeps then redis.call('PEXPIREAT', key, keeps) end
      end
      if m.mode == '1' then lift(tombstones, lifted, m.wp) end
      for i = 1, #m.rows[1], 2 do
        if m.rows[1][i] == 'own' then before_lex = m.rows[1][i + 1] end
        if m.rows[1][i] == 'line' then before_line = m.rows[1][i + 1] end
      end
    end
  end
end
local count = redis.call('LLEN', log)
if redis.call('HGET', state, 'strategy') == 'off' then mark = count end
redis.call('HSET', state, 'count', count, 'mark', mark)
if mark < count then redis.call('HSET', state, 'todo', 'extract') else redis.call('HDEL', state, 'todo') end
if before_lex then
  redis.call('HSET', state, 'last_lex', before_lex, 'last_line', before_line)
else
  redis.call('HDEL', state, 'last_lex', 'last_line')
end
if (added > 0 or newer) and not fresh and continued == '0' then redis.call('HINCRBY', state, 'v', 1) end
if keeps then for _, key in ipairs({state, log, ids, data}) do redis.call('PEXPIREAT', key, keeps) end end
if fresh or newer or added > 0 then redis.call('PUBLISH', channel, 'session\\31' .. id) end
return {'written', fresh and '1' or '0', tostring(added)}
"""
)

IMPORT_TOMBSTONE = Script(
    """
-- KEYS tombstones (or those that were lifted) fingerprints counter ; ARGV prefix wp expected tombstone at_ms lifted
-- What was remembered again after the forgetting is not forgotten.
local have = redis.call('HGET', KEYS[1], ARGV[2]) or ''
if have ~= ARGV[3] then return 'changed' end
local name = redis.call('HGET', KEYS[2], ARGV[2])
local recorded = name and redis.call('HGET', ARGV[1] .. name, 'rec') or '0'
if ARGV[6] == '0' and tonumber(recorded) > tonumber(ARGV[5]) then return 'said anew' end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('INCR', KEYS[3])
return 'written'
"""
)

"""The scripts: what must happen as one. Each is wrapped by a typed function in `scripts.py`.

Keys that are made inside a script (parts, versions, message records) share the hash tag of the keys passed in.
"""

from mcp_memory.storage.client import Script

_RECORDS = """
-- A record is written with its parts: ARGV[at] = fields of the record, then the fields, then the parts likewise.
local function read_group(at)
  local n = tonumber(ARGV[at])
  local fields = {}
  for i = 1, n do fields[i] = ARGV[at + i] end
  return fields, at + n + 1
end

-- Its place in the sequence of writes of the scope, and its creation in us, told apart by that place.
local function places(counter, created_ms)
  local seq = redis.call('INCR', counter)
  return seq, string.format('%.0f', tonumber(created_ms) * 1000 + seq % 1000)
end

-- As Python's quote(text, safe='').
local function quoted(text)
  return (string.gsub(text, '[^%w_%.%-~]', function(byte) return string.format('%%%02X', string.byte(byte)) end))
end

-- What was forgotten is also in what the turn after it is found by, and in what the next turn would be.
local function forget_as_context(record_prefix, session, keys, place)
  local after = redis.call('LINDEX', keys.log, place + 1)
  if after then
    local key = record_prefix .. 'message:' .. session .. '/' .. quoted(cjson.decode(after).id)
    if redis.call('EXISTS', key) == 1 then
      redis.call('HDEL', key, 'ctx', 'prev', 'embedding')
      redis.call('HSET', key, 'todo', 'embed')
    end
  elseif redis.call('EXISTS', keys.state) == 1 then
    redis.call('HDEL', keys.state, 'last_lex', 'last_line')
  end
end

-- Said anew: the words may be there again. Should they be forgotten again, their old sources count too.
local function lift(tombstones, lifted, wp, tombstone)
  redis.call('HSET', lifted, wp, tombstone)
  redis.call('HDEL', tombstones, wp)
end

local function delete_parts(key)
  for i = 1, tonumber(redis.call('HGET', key, 'parts') or '0') do redis.call('DEL', key .. '#' .. i) end
end

-- The record as it was, kept under its version; only `as_of` and the history look there.
local function archive(key, lane, parts_lane, now, reason, by)
  local version = redis.call('HGET', key, 'ver')
  local old = key .. '@' .. version
  redis.call('COPY', key, old, 'REPLACE')
  redis.call('HSET', old, 'lane', lane, 'until', now, 'why', reason, 'by', by)
  for i = 1, tonumber(redis.call('HGET', key, 'parts') or '0') do
    redis.call('RENAME', key .. '#' .. i, old .. '#' .. i)
    redis.call('HSET', old .. '#' .. i, 'lane', parts_lane, 'until', now)
  end
  return version
end

local function add_sources(key, sources)
  local have = redis.call('HGET', key, 'src') or ''
  local joined = have
  for source in string.gmatch(sources, '[^\\31]+') do
    if not string.find('\\31' .. joined .. '\\31', '\\31' .. source .. '\\31', 1, true) then
      joined = joined == '' and source or joined .. '\\31' .. source
    end
  end
  if joined ~= have then redis.call('HSET', key, 'src', joined) end
end
"""

PUT_MEMORY = Script(
    _RECORDS
    + """
-- KEYS record fingerprints tombstones counter lifted
-- ARGV prefix name fp wp said_again expected_version now all_lane parts_lane sources created reason channel id
--      parts (groups)
local record, fingerprints, tombstones, counter, lifted = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, name, fp, wp, said_again, expected = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now, all_lane, parts_lane, sources, created = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local reason, channel, id, parts = ARGV[12], ARGV[13], ARGV[14], tonumber(ARGV[15])

local version = redis.call('HGET', record, 'ver') or '0'
if expected == '0' and version == '1' and redis.call('HGET', record, 'fp') == fp then
  return {'stored', '1'}  -- the same call again, after a lost answer
end
if version ~= expected then return {'changed', version} end
local tombstone = redis.call('HGET', tombstones, wp)
if tombstone and said_again == '0' and redis.call('HGET', record, 'wp') ~= wp then return {'forgotten', tombstone} end
local holder = redis.call('HGET', fingerprints, fp)
if holder and holder ~= name and redis.call('EXISTS', prefix .. holder) == 1 then
  if expected == '0' then
    redis.call('HINCRBY', prefix .. holder, 'seen', 1)
    add_sources(prefix .. holder, sources)
  end
  return {'duplicate', redis.call('HGET', prefix .. holder, 'id')}
end
if tombstone then lift(tombstones, lifted, wp, tombstone) end

local seq, order
if version ~= '0' then
  local old_fp = redis.call('HGET', record, 'fp')
  if redis.call('HGET', fingerprints, old_fp) == name then redis.call('HDEL', fingerprints, old_fp) end
  seq, order = unpack(redis.call('HMGET', record, 'seq', 'order'))
  archive(record, all_lane, parts_lane, now, reason, id)
  redis.call('DEL', record)
else
  seq, order = places(counter, created)
end
local at, fields = 16, nil
for part = 0, parts do
  fields, at = read_group(at)
  local key = part == 0 and record or record .. '#' .. part
  redis.call('HSET', key, unpack(fields))
  redis.call('HSET', key, 'seq', seq, 'order', order, 'ver', tonumber(version) + 1)
end
redis.call('HSET', fingerprints, fp, name)
redis.call('PUBLISH', channel, 'memory\\31' .. id)
return {version == '0' and 'stored' or 'superseded', tostring(tonumber(version) + 1)}
"""
)

APPEND = Script(
    _RECORDS
    + """
-- KEYS state log ids data counter tombstones lifted
-- ARGV record_prefix session_name lane id expected_version now deadline strategy config data_limit channel
--      data_count (key json)* message_count (name wp mode json created parts (groups))*
--      last_lex last_line
local state, log, ids, data, counter = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tombstones, lifted = KEYS[6], KEYS[7]
local prefix, session, lane, id, expected, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local deadline, strategy, config, data_limit, channel = ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10]), ARGV[11]

local version = redis.call('HGET', state, 'v') or '0'
if expected ~= '' and expected ~= version then return {'changed', version} end

-- 1. Read the request.
local at = 12
local pairs_given = {}
local data_count = tonumber(ARGV[at])
for i = 1, data_count do pairs_given[i] = {ARGV[at + 2 * i - 1], ARGV[at + 2 * i]} end
at = at + 2 * data_count + 1
local messages = {}
local message_count = tonumber(ARGV[at])
at = at + 1
for i = 1, message_count do
  local m = {name = ARGV[at], wp = ARGV[at + 1], mode = ARGV[at + 2], json = ARGV[at + 3], created = ARGV[at + 4]}
  local parts = tonumber(ARGV[at + 5])
  at = at + 6
  m.groups = {}
  for part = 0, parts do m.groups[part], at = read_group(at) end
  m.parts = parts
  m.new = redis.call('HEXISTS', ids, m.name) == 0
  messages[i] = m
end

-- 2. Refuse before anything is written.
if data_count > 0 then
  local size, replaced = 0, {}
  for _, pair in ipairs(pairs_given) do
    replaced[pair[1]] = true
    if pair[2] ~= '' then size = size + #pair[1] + #pair[2] end
  end
  local have = redis.call('HGETALL', data)
  for i = 1, #have, 2 do if not replaced[have[i]] then size = size + #have[i] + #have[i + 1] end end
  if size > data_limit then return {'too_large', size} end
end
local asked = {}
for i, m in ipairs(messages) do
  if m.new and m.mode == '0' then
    local tombstone = redis.call('HGET', tombstones, m.wp)
    if tombstone then
      asked[#asked + 1] = i
      asked[#asked + 1] = tombstone
    end
  end
end
if #asked > 0 then return {'forgotten', asked} end

-- 3. Write.
local before_lex, before_line = unpack(redis.call('HMGET', state, 'last_lex', 'last_line'))
local keeps = redis.call('HGET', state, 'expires')
local added = 0
for _, m in ipairs(messages) do
  if m.new and redis.call('HEXISTS', ids, m.name) == 0 then  -- not twice in one call either
    local place = redis.call('RPUSH', log, m.json) - 1
    redis.call('HSET', ids, m.name, m.mode == '2' and 'h' .. place or place)
    added = added + 1
    if m.mode < '2' then
      local seq, order = places(counter, m.created)
      for part = 0, m.parts do
        local key = prefix .. 'message:' .. session .. '/' .. m.name
        if part > 0 then key = key .. '#' .. part end
        redis.call('HSET', key, unpack(m.groups[part]))
        redis.call('HSET', key, 'seq', seq, 'order', order, 'ver', 1)
        if part == 0 and before_lex then redis.call('HSET', key, 'ctx', before_lex, 'prev', before_line) end
        if keeps then redis.call('PEXPIREAT', key, keeps) end
      end
      local tombstone = m.mode == '1' and redis.call('HGET', tombstones, m.wp)
      if tombstone then lift(tombstones, lifted, m.wp, tombstone) end
      for i = 1, #m.groups[0], 2 do
        if m.groups[0][i] == 'own' then before_lex = m.groups[0][i + 1] end
        if m.groups[0][i] == 'line' then before_line = m.groups[0][i + 1] end
      end
    end
  end
end
for _, pair in ipairs(pairs_given) do
  if pair[2] == '' then redis.call('HDEL', data, pair[1]) else redis.call('HSET', data, pair[1], pair[2]) end
end

-- 4. The session's state, and its end.
local fresh = version == '0'
if fresh then redis.call('HSET', state, 'created', now, 'id', id, 'lane', lane, 'mark', 0) end
if strategy ~= '' then redis.call('HSET', state, 'strategy', strategy, 'config', config) end
if strategy == '' and fresh then redis.call('HSET', state, 'strategy', 'discrete') end
local count = redis.call('LLEN', log)
if added > 0 or data_count > 0 or fresh or strategy ~= '' then version = redis.call('HINCRBY', state, 'v', 1) end
local seq, order = places(counter, now)
redis.call('HSET', state, 'count', count, 'active', now, 'seq', seq, 'order', order)
if before_lex then redis.call('HSET', state, 'last_lex', before_lex, 'last_line', before_line) end
strategy = redis.call('HGET', state, 'strategy')
if strategy == 'off' then
  redis.call('HSET', state, 'mark', count)
  redis.call('HDEL', state, 'todo')
elseif tonumber(redis.call('HGET', state, 'mark')) < count then
  redis.call('HSET', state, 'todo', 'extract')
end
if deadline ~= '' then
  redis.call('HSET', state, 'expires', deadline)
  for _, name in ipairs(redis.call('HKEYS', ids)) do
    local key = prefix .. 'message:' .. session .. '/' .. name
    for part = 1, tonumber(redis.call('HGET', key, 'parts') or '0') do
      redis.call('PEXPIREAT', key .. '#' .. part, deadline)
    end
    redis.call('PEXPIREAT', key, deadline)
  end
  keeps = deadline
end
if keeps then for _, key in ipairs({state, log, ids, data}) do redis.call('PEXPIREAT', key, keeps) end end
if added > 0 or data_count > 0 then redis.call('PUBLISH', channel, 'session\\31' .. id) end
return {'ok', tostring(version), tostring(count), strategy, tostring(added)}
"""
)

FORGET_MEMORY = Script(
    _RECORDS
    + """
-- KEYS record fingerprints tombstones
-- ARGV expected_version channel id name record_prefix
--      count (wp tombstone)* hidden_count (session name state log ids)*
local record, fingerprints, tombstones = KEYS[1], KEYS[2], KEYS[3]
local expected, channel, id, name, record_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local version = redis.call('HGET', record, 'ver') or '0'
if version ~= expected then return {'changed', version} end
local at = 6
local words = tonumber(ARGV[at])
for i = 1, words do redis.call('HSET', tombstones, ARGV[at + 2 * i - 1], ARGV[at + 2 * i]) end
at = at + 2 * words + 1
for i = 1, tonumber(ARGV[at]) do
  local session, message_name = ARGV[at + 1], ARGV[at + 2]
  local keys = {state = ARGV[at + 3], log = ARGV[at + 4], ids = ARGV[at + 5]}
  local message = record_prefix .. 'message:' .. session .. '/' .. message_name
  delete_parts(message)
  redis.call('DEL', message)
  local place = redis.call('HGET', keys.ids, message_name)
  if place and string.sub(place, 1, 1) ~= 'h' then
    redis.call('HSET', keys.ids, message_name, 'h' .. place)
    forget_as_context(record_prefix, session, keys, tonumber(place))
  end
  at = at + 5
end
local fp = redis.call('HGET', record, 'fp')
if fp and redis.call('HGET', fingerprints, fp) == name then redis.call('HDEL', fingerprints, fp) end
for v = 1, tonumber(version) do
  delete_parts(record .. '@' .. v)
  redis.call('DEL', record .. '@' .. v)
end
delete_parts(record)
redis.call('DEL', record)
redis.call('PUBLISH', channel, 'memory\\31' .. id)
return {'forgotten'}
"""
)

FORGET_SESSION = Script(
    _RECORDS
    + """
-- KEYS state log ids data tombstones
-- ARGV expected_version channel id record_prefix session_name (wp tombstone)*
local version = redis.call('HGET', KEYS[1], 'v') or '0'
if version ~= ARGV[1] then return {'changed', version} end
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1]) end
for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
  local key = ARGV[4] .. 'message:' .. ARGV[5] .. '/' .. name
  delete_parts(key)
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('PUBLISH', ARGV[2], 'session\\31' .. ARGV[3])
return {'forgotten'}
"""
)

PUT_VECTOR = Script(
    """
-- KEYS record ; ARGV version vector. The record may have been edited or forgotten since it was read.
if redis.call('HGET', KEYS[1], 'ver') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'embedding', ARGV[2])
redis.call('HDEL', KEYS[1], 'todo')
return 1
"""
)

ADVANCE_MARK = Script(
    """
-- KEYS state ; ARGV from to channel id. Moves the extraction mark, if nobody moved it meanwhile.
if redis.call('HGET', KEYS[1], 'mark') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'mark', ARGV[2])
if redis.call('HGET', KEYS[1], 'count') == ARGV[2] then redis.call('HDEL', KEYS[1], 'todo') end
redis.call('PUBLISH', ARGV[3], 'session\\31' .. ARGV[4])
return 1
"""
)

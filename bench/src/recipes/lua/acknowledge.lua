-- KEYS: claimed set. ARGV: prefix of records, then id and token of each task.
local gone, keys, reply = {}, {}, {}
for i = 2, #ARGV, 2 do
  local key = ARGV[1] .. ARGV[i]
  local token = redis.call('GETRANGE', key, 8, 23)
  if token == '' then
    reply[#reply + 1] = 'NOTASK'
  elseif tonumber(token) ~= tonumber(ARGV[i + 1]) then
    reply[#reply + 1] = 'STALE'
  else
    gone[#gone + 1] = ARGV[i]
    keys[#keys + 1] = key
    reply[#reply + 1] = 'OK'
  end
end
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('DEL', unpack(keys))
end
return reply

-- KEYS: ready list, scheduled set, counter. ARGV: prefix of records, payload, delay in ms (0: ready now).
-- Record: attempts used (4), attempts allowed (4), token (16), worker (16), lease in ms (8), payload.
local id = string.format('%011x', redis.call('INCR', KEYS[3]))
redis.call('SET', ARGV[1] .. id, '00000025000000000000000                 00030000' .. ARGV[2])
if ARGV[3] == '0' then
  redis.call('RPUSH', KEYS[1], id)
else
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], id)
end
return id

-- KEYS: ready list, claimed set, counter. ARGV: prefix of records, worker, lease in ms, count.
local ids = redis.call('LPOP', KEYS[1], ARGV[4])
if not ids then return false end
local time = redis.call('TIME')
local deadline = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
local token = redis.call('INCRBY', KEYS[3], #ids) - #ids
local claimed, reply = {}, {}
for _, id in ipairs(ids) do
  local record = redis.call('GET', ARGV[1] .. id)
  if record then
    local attempt = tonumber(string.sub(record, 1, 4)) + 1
    token = token + 1
    local header = string.format('%04d%s%016d%-16s%08d', attempt, string.sub(record, 5, 8), token, ARGV[2], ARGV[3])
    redis.call('SETRANGE', ARGV[1] .. id, 0, header)
    claimed[#claimed + 1] = deadline
    claimed[#claimed + 1] = id
    reply[#reply + 1] = { id, token, attempt, string.sub(record, 49) }
  end
end
if #reply == 0 then return false end
redis.call('ZADD', KEYS[2], unpack(claimed))
return reply

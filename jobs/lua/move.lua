-- Move one job to another state, with its batch's counters and indexes, in one step.
--
-- KEYS  1 job
-- ARGV  1 job id   2 the state to move to   3 the states it may move from, each between bars: |queued|running|
--       4 JSON: {set: {field: value}, unset: [field], increase: {field: by}}   5 the time now, Unix seconds
--
-- Gives the state it moved from; or '=' and the state it is in when that is not one of those allowed,
-- and nothing has changed; or '' when there is no such job.
local job, id, to, allowed, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local change = cjson.decode(ARGV[4])

local from = redis.call('HGET', job, 'state')
if not from then return '' end
if not string.find(allowed, '|' .. from .. '|', 1, true) then return '=' .. from end

redis.call('HSET', job, 'state', to)
for field, value in pairs(change.set) do redis.call('HSET', job, field, value) end
for _, field in ipairs(change.unset) do redis.call('HDEL', job, field) end
for field, by in pairs(change.increase) do redis.call('HINCRBY', job, field, by) end

if to == 'succeeded' or to == 'failed' then
    local finishes = 'eva01:' .. redis.call('HGET', job, 'model') .. ':finishes'
    redis.call('LPUSH', finishes, now)
    redis.call('LTRIM', finishes, 0, 255)
end

local batch_id = redis.call('HGET', job, 'batch_id')
if batch_id and from ~= to then
    local batch = 'eva01:batch:' .. batch_id
    local place = redis.call('ZSCORE', batch .. ':jobs', id)
    redis.call('ZREM', batch .. ':jobs:' .. from, id)
    redis.call('ZADD', batch .. ':jobs:' .. to, place, id)
    redis.call('HINCRBY', batch, 'count:' .. from, -1)
    redis.call('HINCRBY', batch, 'count:' .. to, 1)
    if to == 'succeeded' or to == 'failed' then
        redis.call('LPUSH', batch .. ':finishes', now)
        redis.call('LTRIM', batch .. ':finishes', 0, 63)
    end
end
return from

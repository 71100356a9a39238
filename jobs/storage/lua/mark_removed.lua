-- Make a batch unknown, and note that its parts are to be removed, in one step.
--
-- ARGV  1 batch id   2 the time now, Unix seconds   3 when given: only if the last change is older than this time,
--       Unix seconds, and no job is unfinished
--
-- Gives 'marked'; or 'missing' when there is no such batch; or 'alive' when the condition does not hold.
local id, now, before = ARGV[1], ARGV[2], tonumber(ARGV[3])
local batch = key('batch', id)

local model, removed_at = unpack(redis.call('HMGET', batch, 'model', 'removed_at'))
if not model or removed_at then return 'missing' end
if before then
    local changed = redis.call('ZSCORE', key('batches'), id)
    if changed and tonumber(changed) >= before then return 'alive' end
    for _, state in ipairs({'queued', 'running'}) do
        if redis.call('EXISTS', batch .. ':jobs:' .. state) == 1 then return 'alive' end
    end
end
redis.call('HSET', batch, 'removed_at', now)
redis.call('ZADD', key('removals'), now, id)
redis.call('ZREM', key(model, 'turns'), id)
return 'marked'

-- Make a batch unknown, cancel what has no answer yet, and note that its parts are to be removed, in one step.
--
-- ARGV  1 batch id   2 the time now as a record says it   3 the time now, Unix seconds   4 when given: only if the last
--       change is older than this time, Unix seconds, and no job is unfinished
--
-- Gives {'marked', how many were queued, how many were running}; or {'missing'} when there is no such batch; or
-- {'alive'} when the condition does not hold.
local id, now_text, now, before = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local batch = key('batch', id)

local fields = fields_of(batch, 'model', 'removed_at', 'count:queued', 'count:running')
local model, removed_at, queued, running = unpack(fields)
if not model or removed_at then return {'missing'} end
if before then
    local changed = redis.call('ZSCORE', key('batches'), id)
    if changed and tonumber(changed) >= before then return {'alive'} end
    if (tonumber(queued or 0) or 1) + (tonumber(running or 0) or 1) > 0 then return {'alive'} end
end
write_when_full()
local counts = cancel_all(id, now_text, now)
redis.call('HSET', batch, 'removed_at', now)
redis.call('ZADD', key('removals'), now, id)
return {'marked', counts[1], counts[2]}

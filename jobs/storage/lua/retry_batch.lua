-- Queue the failed jobs of a batch again, but for those whose file was refused, in one step.
--
-- ARGV  1 batch id   2 the time now as a record says it   3 the time now, Unix seconds
--
-- Gives {how many}; or {} when there is no such batch.
local id, now_text, now = ARGV[1], ARGV[2], ARGV[3]
local batch = key('batch', id)

if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'removed_at') == 1 then return {} end
return mark(id, 'retry', {'failed'}, 'queued', now_text, now)

-- Cancel what has no answer yet in a batch, which takes no more files then, in one step.
--
-- ARGV  1 batch id   2 the time now as a record says it   3 the time now, Unix seconds
--
-- Gives {how many were queued, how many were running}; or {} when there is no such batch.
local id, now_text, now = ARGV[1], ARGV[2], ARGV[3]
local batch = key('batch', id)

if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'removed_at') == 1 then return {} end
if redis.call('HGET', batch, 'state') ~= 'cancelled' then
    redis.call('HSET', batch, 'state', 'cancelled', 'closed_at', now_text)
end
return cancel_all(id, now_text, now)

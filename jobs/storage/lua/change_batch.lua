-- Change a batch's record, in one step. One that was removed meanwhile does not come back by that.
--
-- ARGV  1 batch id   2… fields and their new values, in turn
--
-- Gives 1, or 0 when there is no such batch.
local batch = key('batch', ARGV[1])

if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'removed_at') == 1 then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', batch, ARGV[i], ARGV[i + 1]) end
return 1

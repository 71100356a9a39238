-- Let a batch take no more files, in one step. One that was removed meanwhile does not come back by that.
--
-- ARGV  1 batch id   2 its new state   3 the time now as the record says it
local batch = key('batch', ARGV[1])

if redis.call('EXISTS', batch) == 1 then redis.call('HSET', batch, 'state', ARGV[2], 'closed_at', ARGV[3]) end

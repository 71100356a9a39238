-- Settle some jobs of a batch that was cancelled or retried as a whole, in one step.
--
-- ARGV  1 batch id   2 how many at most, in the order of their sets, when no jobs are named   3… job ids
--
-- Gives {how many were settled, 1 when some are left, else 0}.
local batch_id, limit = ARGV[1], tonumber(ARGV[2])

local ids = {unpack(ARGV, 3)}
local pending = read_pending(batch_id)
if #ids == 0 and pending[1] then
    ids = redis.call('ZRANGE', pending_key(batch_id, pending[1].set), 0, limit - 1)
end
local settled = settle(batch_id, ids)
return {settled, redis.call('HEXISTS', key('batch', batch_id), 'pending')}

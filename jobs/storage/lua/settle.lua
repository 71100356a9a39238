-- Settle some jobs of a batch that was cancelled or retried as a whole, in one step.
--
-- ARGV  1 batch id   2 how many at most, in the order of their sets, when no jobs are named   3… job ids
--
-- Gives how many were settled: 0 when none is left, or none that is in a set.
local batch_id, limit = ARGV[1], tonumber(ARGV[2])

local ids = {unpack(ARGV, 3)}
if #ids == 0 then
    for _, one in ipairs(read_pending(batch_id)) do
        local found = redis.pcall('ZRANGE', pending_key(batch_id, one.set), 0, limit - 1)
        if found[1] then
            ids = found
            break
        end
    end
end
return settle(batch_id, ids)

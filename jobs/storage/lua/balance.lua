-- How many jobs of a model are open, and how many tickets there are for them, in one step.
--
-- ARGV  1 model   2 how many tickets to drop at most that nothing needs any more, the newest first   3 how many
--       tickets to send at most in place of lost ones
--
-- Gives {queued jobs, running jobs, waiting tickets, held tickets, dropped tickets}, after that.
local model, most_dropped, most_sent = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lanes = {key(model, 'interactive'), key(model, 'bulk')}

-- A batch that was retried as a whole gets its tickets when its jobs are settled: until then they are not counted.
local function size_of(set)
    return tonumber(redis.pcall('ZCARD', set)) or 0
end
local function queued_of(owner)
    local found = size_of(singles_of(model, owner))
    for _, batch_id in ipairs(redis.pcall('ZRANGE', turns_of(model, owner), 0, -1)) do
        found = found + size_of(key('batch', batch_id, 'jobs', 'queued'))
    end
    return found
end
local queued = queued_of()
for _, owner in ipairs(redis.call('ZRANGE', key(model, 'owners'), 0, -1)) do
    if owner ~= '' then queued = queued + queued_of(owner) end
end
local running, held = redis.call('HLEN', key(model, 'running')), redis.call('HLEN', key(model, 'held'))
local waiting = {redis.call('LLEN', lanes[1]), redis.call('LLEN', lanes[2])}

-- A running job's ticket may be in the queue again, at the other end; so many tickets stay.
local dropped = 0
for lane = 2, 1, -1 do
    local surplus = math.min(waiting[lane], waiting[1] + waiting[2] - dropped - queued - running, most_dropped - dropped)
    if surplus > 0 then
        redis.call('LPOP', lanes[lane], surplus)
        dropped = dropped + surplus
    end
end
if most_sent > 0 then
    send_tickets(model, 'any batch', most_sent)
    waiting[2] = waiting[2] + most_sent
end
return {queued, running, waiting[1] + waiting[2] - dropped, held, dropped}

-- How many jobs of a model are open, and how many tickets there are for them, in one step.
--
-- KEYS  1 interactive queue   2 bulk queue   3 held tickets
-- ARGV  1 model   2 '1' to drop the tickets that nothing needs any more, the newest first
--
-- Gives {queued jobs, running jobs, waiting tickets, held tickets, dropped tickets}.
local model, is_dropping = ARGV[1], ARGV[2] == '1'

local queued = redis.call('ZCARD', key(model, 'singles'))
for _, batch_id in ipairs(redis.call('ZRANGE', key(model, 'turns'), 0, -1)) do
    queued = queued + redis.call('ZCARD', key('batch', batch_id, 'jobs', 'queued'))
end
local running, held = redis.call('HLEN', key(model, 'running')), redis.call('HLEN', KEYS[3])
local waiting = {redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2])}

-- A running job's ticket may be in the queue again, at the other end; so many tickets stay.
local dropped = 0
for lane = 2, 1, -1 do
    local surplus = math.min(waiting[lane], waiting[1] + waiting[2] - dropped - queued - running)
    if is_dropping and surplus > 0 then
        redis.call('LPOP', KEYS[lane], surplus)
        dropped = dropped + surplus
    end
end
return {queued, running, waiting[1] + waiting[2] - dropped, held, dropped}

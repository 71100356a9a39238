-- Note that a worker is alive, and what its model can do, in one step; in a full Redis as well, since all that is
-- written has its place already or is small.
--
-- ARGV  1 the worker's id   2 JSON: the worker   3 milliseconds until it counts as gone   4 the time now, Unix seconds
--       5 its model   6 JSON: the model's card   7 how long it took to start, in seconds; '' before it has
--       8 '1' when it is ready, else ''   9 milliseconds for which it is known how many were ready at once
--
-- Gives 1; or 0 where something else has the place of what is to be written, of which the rest was written.
local id, worker, expires_ms, now, model, card, start_s, is_ready, late_ms = unpack(ARGV)

write_when_full()
redis.call('SET', key('worker', id), worker, 'PX', expires_ms)
-- Something else in place of one of these keeps a worker from nothing.
local is_listed = try(redis.call, 'ZADD', key('workers'), now, id)
-- One that is not ready yet does not know all that its model can do.
local is_described = try(redis.call, is_ready == '1' and 'HSET' or 'HSETNX', key('models'), model, card)
local is_timed = start_s == '' or try(redis.call, 'HSET', key('starts'), model, start_s)

-- By the clock of Redis, so that the clocks of machines may differ.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local function note_ready()
    local ready, of_late = key(model, 'ready'), key(model, 'ready_of_late')
    if is_ready == '1' then
        redis.call('ZADD', ready, now_ms, id)
        redis.call('PEXPIRE', ready, expires_ms)
    else
        redis.call('ZREM', ready, id)
    end
    redis.call('ZREMRANGEBYSCORE', ready, '-inf', digits(now_ms - expires_ms))

    -- Place k is as old as the last time when k workers were ready at once. So what is left of it after the old ones are
    -- gone is the most at once, however often workers came and went. Each place is written once a hundredth of that time.
    local count = redis.call('ZCARD', ready)
    if count > 0 and now_ms - (redis.call('ZSCORE', of_late, count) or 0) >= late_ms / 100 then
        for place = 1, count do redis.call('ZADD', of_late, now_ms, place) end
        redis.call('PEXPIRE', of_late, late_ms)
    end
    redis.call('ZREMRANGEBYSCORE', of_late, '-inf', digits(now_ms - late_ms))
end
local is_counted = try(note_ready)
return is_listed and is_described and is_timed and is_counted and 1 or 0

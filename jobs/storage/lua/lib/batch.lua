-- What a batch knows of its jobs: their changes, when work began and ended, how many ended when.

-- A job or batch has changed: its retention begins anew, and it is the first in its owner's list.
local function touch(job_id, batch_id, now, owner)
    if batch_id then
        redis.call('ZADD', key('batches'), now, batch_id)
        if owner then redis.call('ZADD', key('owner', owner, 'batches'), now, batch_id) end
    else
        redis.call('ZADD', key('jobs'), now, job_id)
    end
end

-- Reserve `count` numbers for changes; gives the first. A number is the time in microseconds, or one more than the
-- last. So none comes twice, even when Redis has forgotten some, and whoever has seen one can ask for what came
-- after it.
local function reserve_changes(batch, now, count)
    local last = counted(redis.call('HGET', batch, 'last_change'))
        or redis.call('ZREVRANGE', batch .. ':changes', 0, 0, 'WITHSCORES')[2] or 0
    local first = math.max(math.floor(now * 1000000), last + 1)
    redis.call('HSET', batch, 'last_change', digits(first + count - 1))
    return first
end

local function note_change(batch, job_id, now)
    redis.call('ZADD', batch .. ':changes', digits(reserve_changes(batch, now, 1)), job_id)
end

-- Times as texts of one format, so that they sort by their letters.
local function note_span(batch, started_at, finished_at)
    local first, last = unpack(redis.call('HMGET', batch, 'first_started_at', 'last_finished_at'))
    if started_at and (not first or started_at < first) then redis.call('HSET', batch, 'first_started_at', started_at) end
    if finished_at and (not last or finished_at > last) then redis.call('HSET', batch, 'last_finished_at', finished_at) end
end

local function note_finish(finishes, now, longest)
    redis.call('LPUSH', finishes, now)
    redis.call('LTRIM', finishes, 0, longest - 1)
end

-- A batch's timeline has so many steps at most; when they are used up, they grow to twice their length.
local STEPS = 240

local function lengthen_steps(timeline, factor)
    local sums = {}
    for _, field in ipairs(redis.call('HKEYS', timeline)) do
        local state, place = string.match(field, '^(%a+):(%d+)$')
        if state then
            local merged = state .. ':' .. math.floor(place / factor)
            sums[merged] = (sums[merged] or 0) + redis.call('HGET', timeline, field)
            redis.call('HDEL', timeline, field)
        end
    end
    for field, sum in pairs(sums) do redis.call('HSET', timeline, field, sum) end
end

local function count_ends(batch, state, at, count)
    local timeline = batch .. ':timeline'
    redis.call('HSETNX', timeline, 'start', at)
    local start, step = unpack(redis.call('HMGET', timeline, 'start', 'step_s'))
    step = step and counted(step) or 1
    local place, factor = counted(math.max(0, math.floor((at - start) / step))), 1
    if not place then return end
    while place >= STEPS do place, factor = math.floor(place / 2), factor * 2 end
    if factor > 1 then
        lengthen_steps(timeline, factor)
        redis.call('HSET', timeline, 'step_s', step * factor)
    end
    redis.call('HINCRBY', timeline, state .. ':' .. place, count)
end

-- Count jobs that came to an end in `state` at a time in Unix seconds; where the timeline cannot be read, nobody does.
local function note_ends(batch, state, at, count)
    try(count_ends, batch, state, at, count)
end

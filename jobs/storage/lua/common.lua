-- What the scripts share: it is put in front of each of them.
--
-- A queued job waits in its line. Single jobs wait in eva01:<model>:singles, a batch's in
-- eva01:batch:<id>:jobs:queued. Batches with such jobs take turns: eva01:<model>:turns scores each by the turns
-- it has had, and the lowest is served next. One that joins starts at the lowest score there is: it does not wait
-- until the others are done, and does not make up for the time when it was not there
-- (start-time fair queueing, Goyal, Vin and Cheng, 1996).

local function key(...)
    return table.concat({'eva01', ...}, ':')
end

local function enter_line(job_id, model, batch_id)
    if not batch_id then
        redis.call('ZADD', key(model, 'singles'), 0, job_id)
        return
    end
    local first = redis.call('ZRANGE', key(model, 'turns'), 0, 0, 'WITHSCORES')
    redis.call('ZADD', key(model, 'turns'), 'NX', first[2] or 0, batch_id)
end

-- What needs an image is a job, or the claim of an upload under way.
local function use_image(user, sha256)
    redis.call('SADD', key('image', sha256), user)
end

-- An image that nothing else needs is noted as unused.
local function leave_image(user, sha256, now)
    redis.call('SREM', key('image', sha256), user)
    if redis.call('EXISTS', key('image', sha256)) == 0 then redis.call('ZADD', key('unused_images'), now, sha256) end
end

-- The answer that a job has, by what was asked. It is the job's own: the latest that asked the same is found, and
-- with that it is gone, so that an image has these as long as any of them is there.
local function note_answer(job_id, image, recipe)
    redis.call('HSET', key('image', image, 'answers'), recipe, job_id)
end

local function forget_answer(job_id, image, recipe)
    local answers = key('image', image, 'answers')
    if redis.call('HGET', answers, recipe) == job_id then redis.call('HDEL', answers, recipe) end
end

-- A job or batch has changed: its retention begins anew.
local function touch(job_id, batch_id, now)
    if batch_id then
        redis.call('ZADD', key('batches'), now, batch_id)
    else
        redis.call('ZADD', key('jobs'), now, job_id)
    end
end

-- What `from` meant besides the batch's counters is undone.
local function leave_state(from, job_id, model, batch_id)
    if from == 'queued' and not batch_id then
        redis.call('ZREM', key(model, 'singles'), job_id)
    elseif from == 'running' then
        local ticket = redis.call('HGET', key('job', job_id), 'ticket')
        if ticket then redis.call('HDEL', key(model, 'running'), ticket) end
        redis.call('HDEL', key('job', job_id), 'ticket')
    end
end

local function note_finish(finishes, now, longest)
    redis.call('LPUSH', finishes, now)
    redis.call('LTRIM', finishes, 0, longest - 1)
end

local function count_move(batch_id, job_id, from, to)
    local batch = key('batch', batch_id)
    local place = redis.call('ZSCORE', batch .. ':jobs', job_id)
    redis.call('ZREM', batch .. ':jobs:' .. from, job_id)
    redis.call('ZADD', batch .. ':jobs:' .. to, place, job_id)
    redis.call('HINCRBY', batch, 'count:' .. from, -1)
    redis.call('HINCRBY', batch, 'count:' .. to, 1)
end

-- A job's place among its batch's changes: the time in microseconds, or one more than the last. So no number comes
-- twice, even when Redis has forgotten some, and whoever has seen one can ask for what came after it.
local function note_change(batch, job_id, now)
    local last = redis.call('ZREVRANGE', batch .. ':changes', 0, 0, 'WITHSCORES')[2] or 0
    local number = math.max(math.floor(now * 1000000), last + 1)
    redis.call('ZADD', batch .. ':changes', string.format('%.0f', number), job_id)
end

-- Times as texts of one format, so that they sort by their letters.
local function note_span(batch, started_at, finished_at)
    local first, last = unpack(redis.call('HMGET', batch, 'first_started_at', 'last_finished_at'))
    if started_at and (not first or started_at < first) then redis.call('HSET', batch, 'first_started_at', started_at) end
    if finished_at and (not last or finished_at > last) then redis.call('HSET', batch, 'last_finished_at', finished_at) end
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

-- Count a job that came to an end in `state` at a time in Unix seconds.
local function note_end(batch, state, at)
    local timeline = batch .. ':timeline'
    redis.call('HSETNX', timeline, 'start', at)
    local start, step = unpack(redis.call('HMGET', timeline, 'start', 'step_s'))
    local place, factor = math.max(0, math.floor((at - start) / (step or 1))), 1
    while place >= STEPS do place, factor = math.floor(place / 2), factor * 2 end
    if factor > 1 then
        lengthen_steps(timeline, factor)
        redis.call('HSET', timeline, 'step_s', (step or 1) * factor)
    end
    redis.call('HINCRBY', timeline, state .. ':' .. place, 1)
end

-- Move a job to another state with its batch's counters and its line.
-- `change`: {set: {field: value}, unset: [field], increase: {field: by}}; `now`: Unix seconds.
local function move(job_id, to, change, now)
    local job = key('job', job_id)
    local from, model, batch_id, image = unpack(redis.call('HMGET', job, 'state', 'model', 'batch_id', 'image'))
    if from ~= to then leave_state(from, job_id, model, batch_id) end
    redis.call('HSET', job, 'state', to)
    for field, value in pairs(change.set or {}) do redis.call('HSET', job, field, value) end
    for _, field in ipairs(change.unset or {}) do redis.call('HDEL', job, field) end
    for field, by in pairs(change.increase or {}) do redis.call('HINCRBY', job, field, by) end
    if change.set and change.set.image then use_image(job_id, change.set.image) end
    if image and change.set and change.set.recipe then note_answer(job_id, image, change.set.recipe) end

    if batch_id and from ~= to then
        local batch, set = key('batch', batch_id), change.set or {}
        count_move(batch_id, job_id, from, to)
        note_span(batch, set.started_at, set.finished_at)
        -- That a worker has begun is told by the counters; nobody reads a job again for it.
        if to ~= 'running' then note_change(batch, job_id, now) end
        if to ~= 'running' and to ~= 'queued' then note_end(batch, to, now) end
    end
    if to == 'queued' and from ~= to then enter_line(job_id, model, batch_id) end
    if to == 'succeeded' or to == 'failed' then
        note_finish(key(model, 'finishes'), now, 256)
        if batch_id then note_finish(key('batch', batch_id, 'finishes'), now, 64) end
    end
    touch(job_id, batch_id, now)
end

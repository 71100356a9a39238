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

-- Move a job to another state with its batch's counters and its line.
-- `change`: {set: {field: value}, unset: [field], increase: {field: by}}; `now`: Unix seconds.
local function move(job_id, to, change, now)
    local job = key('job', job_id)
    local from, model, batch_id = unpack(redis.call('HMGET', job, 'state', 'model', 'batch_id'))
    if from ~= to then leave_state(from, job_id, model, batch_id) end
    redis.call('HSET', job, 'state', to)
    for field, value in pairs(change.set or {}) do redis.call('HSET', job, field, value) end
    for _, field in ipairs(change.unset or {}) do redis.call('HDEL', job, field) end
    for field, by in pairs(change.increase or {}) do redis.call('HINCRBY', job, field, by) end
    if change.set and change.set.image then use_image(job_id, change.set.image) end

    if batch_id and from ~= to then count_move(batch_id, job_id, from, to) end
    if to == 'queued' and from ~= to then enter_line(job_id, model, batch_id) end
    if to == 'succeeded' or to == 'failed' then
        note_finish(key(model, 'finishes'), now, 256)
        if batch_id then note_finish(key('batch', batch_id, 'finishes'), now, 64) end
    end
    touch(job_id, batch_id, now)
end

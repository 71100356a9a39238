-- One job: its record, and what its state means.

-- True when a job's file was refused; version 0.1.0 told that by the lack of an image.
local function was_refused(is_refused, state, images)
    return is_refused == '1' or (state == 'failed' and not images)
end

-- True for a failed job that no retry runs again: its file was refused, or its answer was cut, and would be cut again.
local function stays_failed(is_refused, state, finish_reason)
    return is_refused or (state == 'failed' and finish_reason == 'length')
end

-- What scripts need of a record; nil when there is none, or it cannot be one. Fields that a job shares with its batch are the batch's,
-- and its owner always is. Version 0.1.0 wrote `image`.
local function read_job(job_id)
    local fields = fields_of(
        key('job', job_id), 'state', 'batch_id', 'model', 'owner', 'images', 'image', 'is_refused', 'counts_as', 'finish_reason'
    )
    local state, batch_id, model, owner, images, image, is_refused, counts_as, finish_reason = unpack(fields)
    images = images or image
    is_refused = was_refused(is_refused, state, images)
    local days
    if batch_id then
        local model_of_all, owner_of_all, days_of_all = unpack(fields_of(key('batch', batch_id), 'model', 'owner', 'days'))
        model, owner, days = model or model_of_all, owner_of_all, days_of_all
    end
    if not state or not model then return nil end
    return {
        id = job_id, state = state, batch_id = batch_id or nil, model = model, owner = owner or nil,
        images = images or nil, count = images_of(images, counts_as), charged = charged(job_id, owner, batch_id, owner, days),
        is_refused = is_refused, stays_failed = stays_failed(is_refused, state, finish_reason),
    }
end

-- Which of its batch's sets a job is in: failed ones that stay so have one of their own.
local function set_of(batch_id, state, stays)
    return key('batch', batch_id, 'jobs', (state == 'failed' and stays) and 'refused' or state)
end

-- What a job that runs anew no longer has.
local STALE = {
    'error', 'reasoning', 'started_at', 'finished_at', 'finish_reason', 'usage', 'crashes', 'confidence',
    'field_confidence',
}

-- Let a job not have begun, and count a crash against it if it had: what its worker had not begun cannot be why it ended.
local function count_crash(job_id)
    local record = key('job', job_id)
    if redis.call('HDEL', record, 'started_at') == 1 then try(redis.call, 'HINCRBY', record, 'crashes', 1) end
end

-- Undo the old state's effects: leave the line, unbind the ticket.
local function leave_state(job)
    if job.state == 'queued' and not job.batch_id then
        leave_line(job)
    elseif job.state == 'running' then
        local ticket = redis.call('HGET', key('job', job.id), 'ticket')
        if ticket then redis.call('HDEL', key(job.model, 'running'), ticket) end
        redis.call('HDEL', key('job', job.id), 'ticket')
    end
end

local function leave_set(job)
    redis.call('ZREM', set_of(job.batch_id, job.state, job.stays_failed), job.id)
    -- Where earlier versions put it.
    if job.stays_failed then redis.call('ZREM', set_of(job.batch_id, 'failed', false), job.id) end
end

local function count(batch_id, state, by)
    redis.call('HINCRBY', key('batch', batch_id), 'count:' .. state, by)
end

-- Count an answer that was cut, and by itself how many have failed by that. Such a job never changes again: it is only removed.
local function count_cut(batch_id, state, finish_reason, by)
    if finish_reason ~= 'length' then return end
    redis.call('HINCRBY', key('batch', batch_id), 'cut_short', by)
    if state == 'failed' then redis.call('HINCRBY', key('batch', batch_id), 'cut_short:failed', by) end
end

-- What a move means to the job's batch.
local function move_in_batch(job, to, set, now)
    local batch = key('batch', job.batch_id)
    leave_set(job)
    local set_now = set_of(job.batch_id, to, stays_failed(false, to, set.finish_reason))
    redis.call('ZADD', set_now, redis.call('ZSCORE', batch .. ':jobs', job.id), job.id)
    count(job.batch_id, job.state, -1)
    count(job.batch_id, to, 1)
    count_cut(job.batch_id, to, set.finish_reason, 1)
    note_span(batch, set.started_at, set.finished_at)
    -- That a worker has begun is told by the counters; nobody reads a job again for it.
    if to ~= 'running' then note_change(batch, job.id, now) end
    if to ~= 'running' and to ~= 'queued' then note_ends(batch, to, now, 1) end
end

-- Tell who waits for a job without a batch that it has ended (jobs/storage/wire.py); its record says how.
local function tell_end(job)
    local listener = not job.batch_id and redis.call('HGET', key('job', job.id), 'listener')
    if listener then redis.call('PUBLISH', key('said', listener), cjson.encode({{job.id, 0, cjson.null}})) end
end

-- Move a job to another state with its batch's counters and its line. A batch that cannot be read keeps none of its jobs.
-- `change`: {set: {field: value}, unset: [field], is_anew: true, is_crash: true, increase: {field: by}, send_ticket: true};
-- `now`: Unix seconds.
local function move(job, to, change, now)
    local record, set = key('job', job.id), change.set or {}
    if job.state ~= to then leave_state(job) end
    try(charge_move, job, to, set)
    redis.call('HSET', record, 'state', to)
    for field, value in pairs(set) do redis.call('HSET', record, field, value) end
    for _, field in ipairs(change.unset or {}) do redis.call('HDEL', record, field) end
    if change.is_anew then redis.call('HDEL', record, unpack(STALE)) end
    if change.is_crash then count_crash(job.id) end
    for field, by in pairs(change.increase or {}) do try(redis.call, 'HINCRBY', record, field, by) end
    each_image(set.images, function(image) use_image(job.id, image, job.owner) end)
    if job.images and set.recipe then try(note_answer, job.id, job.images, set.recipe, job.owner) end

    if job.batch_id and job.state ~= to then try(move_in_batch, job, to, set, now) end
    if to == 'queued' and job.state ~= to then
        enter_line(job.id, job.model, job.batch_id, job.owner)
        if change.send_ticket then send_tickets(job.model, job.batch_id, 1) end
    end
    if to == 'succeeded' or to == 'failed' then
        try(note_finish, key(job.model, 'finishes'), now, 256)
        if job.batch_id then try(note_finish, key('batch', job.batch_id, 'finishes'), now, 64) end
    end
    touch(job.id, job.batch_id, now, job.owner)
    if not is_open(to) then try(tell_end, job) end
end

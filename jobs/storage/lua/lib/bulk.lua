-- Bulk changes: cancel or retry all jobs of a batch in one short step, however many they are.
--
--     mark    the counters move, and the sets of the jobs are renamed:     jobs:queued ──► pending:<n>
--     settle  each job is changed as the mark says, when it is read or changed, or in its turn: pending:<n> ──► jobs:cancelled
--
-- The batch's field `pending` lists the sets that are not settled, each with the steps that its jobs still have to
-- take: [{set, steps: [{to, at, first_change}]}]. Whoever reads or changes a job settles it first, so nobody sees it
-- as it was. The number of its change is reserved by the mark, at its place in the batch, so that the order of
-- changes is the same whenever it is settled. A crash leaves pending sets, and eva01:unsettled leads to their batch.

-- What is no such set leads nowhere, and is passed over.
local function is_pending(one)
    local last = type(one) == 'table' and type(one.set) == 'string' and type(one.steps) == 'table' and one.steps[#one.steps]
    return type(last) == 'table' and type(last.to) == 'string' and counted(last.first_change) ~= nil
end

local function read_pending(batch_id)
    local text, found = fields_of(key('batch', batch_id), 'pending')[1], {}
    for _, one in ipairs(text and decoded(text) or {}) do
        if is_pending(one) then found[#found + 1] = one end
    end
    return found
end

local function write_pending(batch_id, pending)
    if #pending > 0 then
        redis.call('HSET', key('batch', batch_id), 'pending', cjson.encode(pending))
    else
        redis.call('HDEL', key('batch', batch_id), 'pending')
        redis.call('ZREM', key('unsettled'), batch_id)
    end
end

local function pending_key(batch_id, set)
    return key('batch', batch_id, 'pending', set)
end

-- What was done to all jobs, for the journal: [{verb, at}]. Of the same verb twice in a row the later says it all.
local function note_mark(batch, verb, at)
    local text = redis.call('HGET', batch, 'marks')
    local marks = text and decoded(text) or {}
    if #marks > 0 and marks[#marks].verb == verb then table.remove(marks) end
    table.insert(marks, {verb = verb, at = at})
    redis.call('HSET', batch, 'marks', cjson.encode(marks))
end

-- The sets that hold a batch's jobs of a state, also those that are still to be settled; without those that stay failed.
local function sets_of(batch_id, state, pending)
    local sets = {set_of(batch_id, state, false)}
    for _, one in ipairs(pending) do
        if one.steps[#one.steps].to == state then sets[#sets + 1] = pending_key(batch_id, one.set) end
    end
    return sets
end

-- Charge for all jobs of a batch that go from a state to another.
local function charge_all(batch_id, pending, from, to)
    local owner, days = unpack(fields_of(key('batch', batch_id), 'owner', 'days'))
    if not owner or not days then return end
    for day, many in pairs(days_of_sets(days, sets_of(batch_id, from, pending))) do
        if day > 0 then
            local more = more_of(batch_id, from, day)
            charge(owner, day, from, to, many, many + more, many + more)
            add_more(batch_id, from, day, -more)
            add_more(batch_id, to, day, more)
        end
    end
end

-- Mark all jobs that are in one of the states `from` as being in the state `to`; gives how many were in each.
local function mark(batch_id, verb, from, to, at, now)
    local batch, pending = key('batch', batch_id), read_pending(batch_id)
    local sequence = counted(redis.call('HGET', batch, 'sequence')) or 0
    -- An offset of the place in the batch, which begins with 1.
    local step = {to = to, at = at, first_change = digits(reserve_changes(batch, now, sequence + 1))}
    local is_from = {}
    for _, state in ipairs(from) do
        is_from[state] = true
        try(charge_all, batch_id, pending, state, to)
    end
    for _, one in ipairs(pending) do
        if is_from[one.steps[#one.steps].to] then table.insert(one.steps, step) end
    end
    local counts, all = {}, 0
    for _, state in ipairs(from) do
        local set = set_of(batch_id, state, false)
        if redis.call('EXISTS', set) == 1 then
            local number = redis.call('HINCRBY', batch, 'pending_sets', 1)
            redis.call('RENAME', set, pending_key(batch_id, number))
            table.insert(pending, {set = digits(number), steps = {step}})
        end
        local stay = state == 'failed' and redis.call('ZCARD', set_of(batch_id, 'failed', true)) or 0
        local moved = math.max(0, (counted(redis.call('HGET', batch, 'count:' .. state)) or 0) - stay)
        if moved > 0 then
            count(batch_id, state, -moved)
            count(batch_id, to, moved)
        end
        counts[#counts + 1], all = moved, all + moved
    end
    if #pending > 0 then redis.call('ZADD', key('unsettled'), now, batch_id) end
    write_pending(batch_id, pending)
    if all > 0 then
        note_mark(batch, verb, at)
        touch(nil, batch_id, now, redis.call('HGET', batch, 'owner'))
    end
    return counts
end

local function cancel_all(batch_id, at, now)
    local counts = mark(batch_id, 'cancel', {'queued', 'running'}, 'cancelled', at, now)
    local batch, cancelled = key('batch', batch_id), counts[1] + counts[2]
    if cancelled > 0 then
        note_ends(batch, 'cancelled', now, cancelled)
        note_span(batch, nil, at)
    end
    local model, owner = unpack(redis.call('HMGET', batch, 'model', 'owner'))
    -- A record that was damaged may name none.
    if model then redis.call('ZREM', turns_of(model, owner), batch_id) end
    return counts
end

-- Let one job of a pending set take its steps: it is in the last one's state then.
local function take_steps(job, steps, place)
    local record, to = key('job', job.id), steps[#steps].to
    for _, step in ipairs(steps) do
        leave_state(job)
        if step.to == 'queued' then redis.call('HDEL', record, unpack(STALE)) end
        redis.call('HSET', record, 'state', step.to, step.to == 'queued' and 'queued_at' or 'finished_at', step.at)
        job.state = step.to
    end
    redis.call('ZADD', set_of(job.batch_id, to, false), place, job.id)
    redis.call('ZADD', key('batch', job.batch_id, 'changes'), digits(steps[#steps].first_change + place), job.id)
end

-- Settle those of the jobs that are in pending sets; gives how many there were.
local function settle(batch_id, job_ids)
    local pending = read_pending(batch_id)
    local left, settled, queued, last = {}, 0, 0, nil
    for _, one in ipairs(pending) do
        local set = pending_key(batch_id, one.set)
        for _, job_id in ipairs(job_ids) do
            local place = redis.pcall('ZSCORE', set, job_id)
            if type(place) == 'string' then
                redis.call('ZREM', set, job_id)
                settled = settled + 1
                local job = read_job(job_id)
                if job and try(take_steps, job, one.steps, place) then
                    if job.state == 'queued' then queued, last = queued + 1, job end
                end
            end
        end
        if redis.call('EXISTS', set) == 1 then table.insert(left, one) end
    end
    if #left < #pending then write_pending(batch_id, left) end
    if last then
        enter_line(nil, last.model, batch_id, last.owner)
        send_tickets(last.model, batch_id, queued)
    end
    return settled
end

-- The job as it is now.
local function settled_job(job_id)
    local batch_id = fields_of(key('job', job_id), 'batch_id')[1]
    if batch_id and fields_of(key('batch', batch_id), 'pending')[1] then try(settle, batch_id, {job_id}) end
    return read_job(job_id)
end

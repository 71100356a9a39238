-- Give the next job of a model to the worker that holds a ticket, in one step.
--
-- ARGV  1 model   2 ticket   3 how the ticket came: 'fresh', 'redelivered', or 'again' when this is asked again
--       because the reply was lost   4 the time now as a record says it   5 the time now, Unix seconds
--       6 JSON: the error of a job whose record cannot be read
--
-- Gives {outcome, job id, fields and values in turn, what it shares with its batch: question, model, options, owner}.
-- The outcome is 'resumed' when the ticket stands for a job whose worker is gone and which nobody has begun since,
-- 'running' when it stands for one that was given to this worker already, 'taken' for the next that waits, which has
-- begun now, or 'suspected' where that was in a crash: its worker begins it later. Gives {'none'} when none waits.
--
-- A job whose record cannot be read, or is not that of a job that waits here, leaves its line: it has failed.
local model, ticket, came, now_text, now, unreadable = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local running, owners = key(model, 'running'), key(model, 'owners')

-- Jobs that leave their lines in one step because they cannot be read.
local MOST_LOST = 1000

-- Whose turn it is. Nobody in particular, '' there, joins the others when something of theirs waits, once a take; where
-- there are no others it is always theirs, and nil.
local has_looked = false
local function next_owner()
    local first, turns = unpack(redis.call('ZRANGE', owners, 0, 0, 'WITHSCORES'))
    if not first or first == '' or has_looked then return first end
    has_looked = true
    local is_waiting = redis.call('EXISTS', singles_of(model), turns_of(model)) > 0
    return is_waiting and redis.call('ZADD', owners, 'NX', turns, '') == 1 and '' or first
end

local function next_of_batches(turns)
    while true do
        local batch_id = redis.pcall('ZRANGE', turns, 0, 0)[1]
        if not batch_id then return nil end
        local id = redis.pcall('ZRANGE', key('batch', batch_id, 'jobs', 'queued'), 0, 0)[1]
        if id then
            redis.call('ZINCRBY', turns, 1, batch_id)
            return id, batch_id
        end
        redis.call('ZREM', turns, batch_id)
    end
end

local function next_of_owners()
    while true do
        local name = next_owner()
        local owner = name ~= '' and name or nil
        local id, batch_id = redis.pcall('ZRANGE', singles_of(model, owner), 0, 0)[1], nil
        if not id then id, batch_id = next_of_batches(turns_of(model, owner)) end
        if id and name then redis.call('ZINCRBY', owners, 1, name) end
        if id or not name then return id, batch_id, owner end
        redis.call('ZREM', owners, name)
    end
end

-- Let a job leave its line, which is that of `owner`, as one that has failed where its record can say so.
local function lose(id, batch_id, owner)
    local record = key('job', id)
    local state, own, images, counts_as = unpack(fields_of(record, 'state', 'owner', 'images', 'counts_as'))
    if redis.call('TYPE', record).ok == 'hash' and (state == 'queued' or state == 'running' or not state) then
        redis.call('HSET', record, 'state', 'failed', 'error', unreadable, 'finished_at', now_text)
        try(tell_end, {id = id, batch_id = batch_id})
    end
    local of_batch = batch_id and fields_of(key('batch', batch_id), 'owner', 'days') or {}
    local lost = {id = id, state = 'queued', batch_id = batch_id, images = images, count = images_of(images, counts_as)}
    lost.charged = charged(id, own or owner, batch_id, of_batch[1], of_batch[2])
    try(charge_move, lost, 'failed', {})
    if not batch_id then
        redis.call('ZREM', singles_of(model, owner), id)
    else
        if not try(move_in_batch, lost, 'failed', {finished_at = now_text}, now) then leave_set(lost) end
    end
end

local function next_job()
    for _ = 1, MOST_LOST do
        local id, batch_id, owner = next_of_owners()
        if not id then return nil end
        local job = read_job(id)
        if job and job.state == 'queued' and job.model == model and job.batch_id == batch_id then return job end
        lose(id, batch_id, owner)
    end
end

local function reply(outcome, job)
    local shared = job.batch_id and fields_of(key('batch', job.batch_id), 'question', 'model', 'options', 'owner') or {}
    return {outcome, job.id, redis.call('HGETALL', key('job', job.id)), shared}
end

local id = redis.call('HGET', running, ticket)
local job = id and settled_job(id)
if job and job.state == 'running' then
    if came == 'redelivered' then count_crash(id) end
    local is_begun = redis.call('HEXISTS', key('job', id), 'started_at') == 1
    return reply(is_begun and 'running' or 'resumed', job)
end

job = next_job()
if not job then return {'none'} end
local is_suspect = (tonumber(fields_of(key('job', job.id), 'crashes')[1]) or 0) > 0
local begun = {set = {started_at = now_text, ticket = ticket}, increase = {attempts = 1}}
move(job, 'running', is_suspect and {set = {ticket = ticket}} or begun, now)
redis.call('HSET', running, ticket, job.id)
return reply(is_suspect and 'suspected' or 'taken', job)

-- Give the next job of a model to the worker that holds a ticket, in one step.
--
-- ARGV  1 model   2 ticket   3 how the ticket came: 'fresh', 'redelivered', or 'again' when this is asked again
--       because the reply was lost   4 the time now as a record says it   5 the time now, Unix seconds
--
-- Gives {outcome, job id, fields and values in turn, what it shares with its batch: question, model, options}.
-- The outcome is 'resumed' when the ticket stands for a job whose worker is gone and which nobody has begun since,
-- 'running' when it stands for one that was given to this worker already, 'taken' for the next that waits, which is
-- running now. Gives {'none'} when none waits.
local model, ticket, came, now_text, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local running, turns = key(model, 'running'), key(model, 'turns')

local function next_of_batches()
    while true do
        local batch_id = redis.call('ZRANGE', turns, 0, 0)[1]
        if not batch_id then return nil end
        local id = redis.call('ZRANGE', key('batch', batch_id, 'jobs', 'queued'), 0, 0)[1]
        if id then
            redis.call('ZINCRBY', turns, 1, batch_id)
            return id
        end
        redis.call('ZREM', turns, batch_id)
    end
end

local function reply(outcome, job)
    local shared = job.batch_id and redis.call('HMGET', key('batch', job.batch_id), 'question', 'model', 'options') or {}
    return {outcome, job.id, redis.call('HGETALL', key('job', job.id)), shared}
end

local id = redis.call('HGET', running, ticket)
local job = id and settled_job(id)
if job and job.state == 'running' then
    -- One that its worker had not begun cannot have taken it down.
    if came == 'redelivered' and redis.call('HDEL', key('job', id), 'started_at') == 1 then
        redis.call('HINCRBY', key('job', id), 'crashes', 1)
    end
    local is_begun = redis.call('HEXISTS', key('job', id), 'started_at') == 1
    return reply(is_begun and 'running' or 'resumed', job)
end

id = redis.call('ZRANGE', key(model, 'singles'), 0, 0)[1] or next_of_batches()
if not id then return {'none'} end
job = read_job(id)
move(job, 'running', {set = {started_at = now_text, ticket = ticket}, increase = {attempts = 1}}, now)
redis.call('HSET', running, ticket, id)
return reply('taken', job)

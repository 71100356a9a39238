-- Give the next job of a model to the worker that holds a ticket, in one step.
--
-- ARGV  1 model   2 ticket   3 how the ticket came: 'fresh', 'redelivered', or 'again' when this is asked again
--       because the reply was lost   4 the time now as the record says it   5 the time now, Unix seconds
--
-- Gives the job's fields and values, in turn: of the job that the ticket stands for already (when the ticket was
-- redelivered its worker is gone, so it has not begun here: it has no start time); else of the next that waits,
-- which is running now; or nothing when none waits.
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

local id = redis.call('HGET', running, ticket)
if id and redis.call('EXISTS', key('job', id)) == 1 then
    -- One that its worker had not begun cannot have taken it down.
    if came == 'redelivered' and redis.call('HDEL', key('job', id), 'started_at') == 1 then
        redis.call('HINCRBY', key('job', id), 'crashes', 1)
    end
    return redis.call('HGETALL', key('job', id))
end

id = redis.call('ZRANGE', key(model, 'singles'), 0, 0)[1] or next_of_batches()
if not id then return {} end
move(id, 'running', {set = {started_at = now_text, ticket = ticket}, increase = {attempts = 1}}, now)
redis.call('HSET', running, ticket, id)
return redis.call('HGETALL', key('job', id))

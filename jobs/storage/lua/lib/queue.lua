-- A queued job waits in its line, and for each there is a ticket that a worker can take.
--
--     eva01:<model>:owners                 owners take turns
--       └─ eva01:<model>:singles:<owner>   in an owner's turn its single jobs come first, in their order,
--       └─ eva01:<model>:turns:<owner>     and then its batches, which take turns as well:
--            └─ eva01:batch:<id>:jobs:queued
--
-- Jobs of nobody in particular wait in eva01:<model>:singles and :turns. Those who take turns are scored by the turns
-- they have had, and the lowest is served next. One that joins starts at the lowest score there is: it does not wait
-- until the others are done, and does not make up for the time when it was not there (start-time fair queueing, Goyal,
-- Vin and Cheng, 1996). Whose line is empty is found out, and leaves, when it is its turn.

local function singles_of(model, owner)
    return owner and key(model, 'singles', owner) or key(model, 'singles')
end

local function turns_of(model, owner)
    return owner and key(model, 'turns', owner) or key(model, 'turns')
end

local function join(turns, who)
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    redis.call('ZADD', turns, 'NX', first[2] or 0, who)
end

local function enter_line(job_id, model, batch_id, owner)
    if batch_id then
        join(turns_of(model, owner), batch_id)
    else
        redis.call('ZADD', singles_of(model, owner), 0, job_id)
    end
    if owner then join(key(model, 'owners'), owner) end
end

-- Let a single job leave its line, also the one where it waited before lines had owners.
local function leave_line(job)
    if redis.call('ZREM', singles_of(job.model, job.owner), job.id) == 0 and job.owner then
        redis.call('ZREM', singles_of(job.model), job.id)
    end
end

-- A ticket is a Celery message (protocol 2) in kombu's envelope (kombu.transport.virtual), with nothing in it that
-- can be left out: there is one for each queued job. Where it goes to says the list in which it is, so a worker that
-- takes it adds that. Its number is unique also after Redis was emptied.
local TICKET = '{"body":"[[],{},{}]","content-encoding":"utf-8","content-type":"application/json",'
    .. '"headers":{"task":"eva01.answer","id":%s},"properties":{"delivery_tag":%s,"delivery_info":{%s}}}'
local TICKETS_A_CALL = 1000

local function ticket_message(ticket, is_redelivered)
    local quoted = cjson.encode(ticket)
    return string.format(TICKET, quoted, quoted, is_redelivered and '"redelivered":true' or '')
end

local function send_tickets(model, batch_id, count)
    local queue = batch_id and key(model, 'bulk') or key(model, 'interactive')
    local time = redis.call('TIME')
    local sum = redis.pcall('INCRBY', key('tickets'), count)
    local last = type(sum) == 'number' and counted(sum)
    if not last then
        -- Something else is kept there. The time in front tells tickets of two scripts apart as well.
        last = count
        redis.call('SET', key('tickets'), digits(last))
    end
    local tickets = {}
    for n = last - count + 1, last do
        local tag = string.format('%x.%x', time[1] * 1000000 + time[2], n)
        tickets[#tickets + 1] = ticket_message(tag)
        if #tickets == TICKETS_A_CALL or n == last then
            redis.call('LPUSH', queue, unpack(tickets))
            tickets = {}
        end
    end
end

-- A queued job waits in its line, and for each there is a ticket that a worker can take.
--
-- Single jobs wait in eva01:<model>:singles, a batch's in eva01:batch:<id>:jobs:queued. Batches with such jobs take
-- turns: eva01:<model>:turns scores each by the turns it has had, and the lowest is served next. One that joins
-- starts at the lowest score there is: it does not wait until the others are done, and does not make up for the
-- time when it was not there (start-time fair queueing, Goyal, Vin and Cheng, 1996).

local function enter_line(job_id, model, batch_id)
    if not batch_id then
        redis.call('ZADD', key(model, 'singles'), 0, job_id)
        return
    end
    local first = redis.call('ZRANGE', key(model, 'turns'), 0, 0, 'WITHSCORES')
    redis.call('ZADD', key(model, 'turns'), 'NX', first[2] or 0, batch_id)
end

-- A ticket is a Celery message (protocol 2) in kombu's envelope (kombu.transport.virtual), with nothing in it that
-- can be left out: there is one for each queued job. Its number is unique also after Redis was emptied.
local TICKET = '{"body":"[[],{},{}]","content-encoding":"utf-8","content-type":"application/json",'
    .. '"headers":{"task":"eva01.answer","id":"%s"},"properties":{"delivery_tag":"%s",'
    .. '"delivery_info":{"exchange":"","routing_key":"%s"}}}'
local TICKETS_A_CALL = 1000

local function send_tickets(model, batch_id, count)
    local queue = batch_id and key(model, 'bulk') or key(model, 'interactive')
    local time = redis.call('TIME')
    local last = redis.call('INCRBY', key('tickets'), count)
    local tickets = {}
    for n = last - count + 1, last do
        local tag = string.format('%x.%x', time[1] * 1000000 + time[2], n)
        tickets[#tickets + 1] = string.format(TICKET, tag, tag, queue)
        if #tickets == TICKETS_A_CALL or n == last then
            redis.call('LPUSH', queue, unpack(tickets))
            tickets = {}
        end
    end
end

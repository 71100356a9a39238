-- Give back the tickets of a model whose leases have run out, in one step: who held them is gone.
--
-- ARGV  1 model   2 how long a lease lasts, in seconds   3 when it has to have run out, in Unix seconds; '' for now
--       4 how many at most   5 how many that cannot be read are kept   6 bytes of each
--
-- Gives {the time now, tickets that went back to the front of their queues, what was held and is none}. Of that the
-- newest are kept with the messages that are no tickets.
local model, lease_s, as_of, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local held, index = key(model, 'held'), key(model, 'held_index')
local now = now_s()

-- The queue of a held ticket; nil where what is held is none.
local function queue_of(text)
    local queue = (decoded(text) or {})[3]
    return (queue == key(model, 'interactive') or queue == key(model, 'bulk')) and queue or nil
end

-- What has no lease would be held for ever, and a fleet would be kept for it: it has one from now on. They are taken and given
-- back together, so where they are as many, they are the same.
if redis.call('HLEN', held) ~= redis.call('ZCARD', index) then
    for _, ticket in ipairs(redis.call('HKEYS', held)) do redis.call('ZADD', index, 'NX', now, ticket) end
end

local before = (tonumber(as_of) or now) - lease_s
local returned, unreadable = 0, 0
for _, ticket in ipairs(redis.call('ZREVRANGEBYSCORE', index, before, '-inf', 'LIMIT', 0, most)) do
    local text = redis.call('HGET', held, ticket)
    redis.call('ZREM', index, ticket)
    redis.call('HDEL', held, ticket)
    local queue = text and queue_of(text)
    if queue then
        redis.call('RPUSH', queue, ticket_message(ticket, true))
        returned = returned + 1
    elseif text then
        redis.call('LPUSH', key(model, 'unreadable'), string.sub(text, 1, ARGV[6]))
        redis.call('LTRIM', key(model, 'unreadable'), 0, ARGV[5] - 1)
        unreadable = unreadable + 1
    end
end
return {now, returned, unreadable}

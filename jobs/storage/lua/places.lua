-- Find some jobs of a batch, at one moment: also those whose sets are still to be settled.
--
-- ARGV  1 batch id   2 'all' for all in the order they came; 'changes' for all in the order of their last change; or
--       a state, for those in it in the order they came   3 the number behind which to begin   4 how many at most
--
-- Gives {1 when some jobs of the batch are still to be settled, else 0; number and id of each, in turn}. While they are,
-- 'changes' may hold a job at its last change and at the one before.
local batch_id, what, cursor, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pending = read_pending(batch_id)

local sources = {}
local function add_source(set, offset)
    sources[#sources + 1] = {set = set, offset = offset}
end

if what == 'all' then
    add_source(key('batch', batch_id, 'jobs'), 0)
elseif what == 'changes' then
    add_source(key('batch', batch_id, 'changes'), 0)
else
    add_source(set_of(batch_id, what, false), 0)
    if what == 'failed' then add_source(set_of(batch_id, 'failed', true), 0) end
end
for _, one in ipairs(pending) do
    local last = one.steps[#one.steps]
    if what == 'changes' then
        add_source(pending_key(batch_id, one.set), tonumber(last.first_change))
    elseif what == last.to then
        add_source(pending_key(batch_id, one.set), 0)
    end
end

local found = {}
for _, source in ipairs(sources) do
    local least = '(' .. digits(cursor - source.offset)
    local rows = redis.call('ZRANGEBYSCORE', source.set, least, digits(LARGEST), 'WITHSCORES', 'LIMIT', 0, limit)
    for i = 1, #rows, 2 do found[#found + 1] = {number = rows[i + 1] + source.offset, id = rows[i]} end
end
if #sources > 1 then table.sort(found, function(one, other) return one.number < other.number end) end

local reply = {#pending > 0 and 1 or 0}
for i = 1, math.min(#found, limit) do
    -- Up, so that whoever goes on behind it finds another.
    reply[#reply + 1], reply[#reply + 2] = digits(math.ceil(found[i].number)), found[i].id
end
return reply

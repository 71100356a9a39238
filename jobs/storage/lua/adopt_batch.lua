-- Make a batch of nobody its owner's at once, and what its jobs need and have said some at a time, in one step.
--
-- ARGV  1 batch id   2 the owner   3 how many jobs to look at   4 the time now, Unix seconds
--
-- Gives {1 when the batch was nobody's, else 0; how many jobs were looked at; 1 when there are more, else 0}. While
-- there are, the batch's field `adopted_to` says up to which: also when another owner is named, it goes on.
local id, owner, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local batch = key('batch', id)

local model, owned_by, adopted_to, removed_at = unpack(fields_of(batch, 'model', 'owner', 'adopted_to', 'removed_at'))
if not model or removed_at or (owned_by and not adopted_to) then return {0, 0, 0} end
if not owned_by then
    redis.call('HSET', batch, 'owner', owner, 'adopted_to', '-inf')
    redis.call('ZADD', key('owner', owner, 'batches'), redis.call('ZSCORE', key('batches'), id) or now, id)
    if redis.call('ZREM', turns_of(model), id) == 1 then enter_line(nil, model, id, owner) end
    adopted_to = '-inf'
end

local rows = redis.call('ZRANGEBYSCORE', key('batch', id, 'jobs'), '(' .. adopted_to, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #rows, 2 do
    local job = read_job(rows[i])
    if job then try(adopt_images, job, fields_of(key('job', job.id), 'recipe')[1]) end
end
local is_more = #rows == 2 * limit
if is_more then
    redis.call('HSET', batch, 'adopted_to', rows[#rows])
else
    redis.call('HDEL', batch, 'adopted_to')
end
return {owned_by and 0 or 1, #rows / 2, is_more and 1 or 0}

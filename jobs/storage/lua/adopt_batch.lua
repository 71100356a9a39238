-- Make a batch of nobody its owner's at once, and then some of its jobs at a time what they need, have said and count for, in
-- one step.
--
-- ARGV  1 batch id   2 the owner   3 how many jobs to look at   4 the time now, Unix seconds
--
-- Gives {1 when the batch was nobody's, else 0; how many jobs were looked at; 1 when there are more, else 0}. It goes from
-- the last place to the first, and the batch's field `days` begins where it is; what comes meanwhile has its place behind,
-- and is counted as it comes. Also when another owner is named, it goes on for the first.
local id, owner, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local batch = key('batch', id)

local model, owned_by, days, removed_at = unpack(fields_of(batch, 'model', 'owner', 'days', 'removed_at'))
if not model or removed_at then return {0, 0, 0} end
if not owned_by then
    redis.call('HSET', batch, 'owner', owner)
    redis.call('ZADD', key('owner', owner, 'batches'), redis.call('ZSCORE', key('batches'), id) or now, id)
    if redis.call('ZREM', turns_of(model), id) == 1 then enter_line(nil, model, id, owner) end
end

-- The state that its batch has a job in, be its record readable or not.
local function state_of(job_id)
    for _, state in ipairs({'succeeded', 'queued', 'failed', 'refused', 'cancelled', 'running'}) do
        if redis.call('ZSCORE', key('batch', id, 'jobs', state), job_id) then
            return state == 'refused' and 'failed' or state
        end
    end
end

local function adopt(job_id, place)
    local job = settled_job(job_id)
    if job then try(adopt_images, job, fields_of(key('job', job_id), 'recipe')[1]) end
    try(charge_whole, owned_by or owner, job_id, state_of(job_id), id)
    days = with_day_before(days, place, day_of(job_id))
end

local behind = days and '(' .. string.match(days, '^%d*') or '+inf'
local rows = redis.call('ZREVRANGEBYSCORE', key('batch', id, 'jobs'), behind, '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #rows, 2 do adopt(rows[i], rows[i + 1]) end
if #rows > 0 then redis.call('HSET', batch, 'days', days) end
return {owned_by and 0 or 1, #rows / 2, #rows == 2 * limit and 1 or 0}

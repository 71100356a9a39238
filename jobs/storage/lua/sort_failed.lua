-- Put the jobs that stay failed of a batch that an earlier version made into a set of their own, some at a time.
--
-- ARGV  1 batch id   2 how many failed jobs to look at   3 how a batch's jobs are kept today
--
-- Gives 1 when there are more to look at, else 0: then the batch is as one of today.
local batch_id, limit, layout = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local batch = key('batch', batch_id)

if redis.call('EXISTS', batch) == 0 or (counted(redis.call('HGET', batch, 'layout')) or 1) >= layout then return 0 end
local failed, staying = set_of(batch_id, 'failed', false), set_of(batch_id, 'failed', true)
local sorted_to = redis.call('HGET', batch, 'sorted_to')
local first = counted(sorted_to) and '(' .. sorted_to or '-inf'
local rows = redis.call('ZRANGEBYSCORE', failed, first, '(' .. digits(LARGEST), 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #rows, 2 do
    local job = read_job(rows[i])
    if job and job.stays_failed then
        redis.call('ZREM', failed, rows[i])
        redis.call('ZADD', staying, rows[i + 1], rows[i])
    end
end
if #rows == 2 * limit then
    redis.call('HSET', batch, 'sorted_to', rows[#rows])
    return 1
end
redis.call('HDEL', batch, 'sorted_to')
redis.call('HSET', batch, 'layout', layout)
return 0

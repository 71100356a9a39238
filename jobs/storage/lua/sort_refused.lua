-- Put the refused files of a batch that version 0.1.0 made into a set of their own, some at a time.
--
-- ARGV  1 batch id   2 how many failed jobs to look at
--
-- Gives 1 when there are more to look at, else 0: then the batch is as one of today.
local batch_id, limit = ARGV[1], tonumber(ARGV[2])
local batch = key('batch', batch_id)

if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'layout') == 1 then return 0 end
local failed, refused = set_of(batch_id, 'failed', false), set_of(batch_id, 'failed', true)
local sorted_to = redis.call('HGET', batch, 'sorted_to')
local first = counted(sorted_to) and '(' .. sorted_to or '-inf'
local rows = redis.call('ZRANGEBYSCORE', failed, first, '(' .. digits(LARGEST), 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #rows, 2 do
    local job = read_job(rows[i])
    if job and job.is_refused then
        redis.call('ZREM', failed, rows[i])
        redis.call('ZADD', refused, rows[i + 1], rows[i])
    end
end
if #rows == 2 * limit then
    redis.call('HSET', batch, 'sorted_to', rows[#rows])
    return 1
end
redis.call('HDEL', batch, 'sorted_to')
redis.call('HSET', batch, 'layout', 2)
return 0

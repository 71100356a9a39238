-- Write a new job, and its place in its batch, in one step.
--
-- KEYS  1 job  [2 batch  3 the batch's jobs  4 its jobs in this state  5 its files]
-- ARGV  1 job id   2 state   3 file   4… the record's fields and values, in turn
--
-- Gives {'created', id}; or {'exists', id} when this batch already has a job for this file;
-- or {'closed', state} when the batch takes no more files; or {'missing', ''} when there is no such batch.
local id, state, file = ARGV[1], ARGV[2], ARGV[3]

if #KEYS > 1 then
    local batch_state = redis.call('HGET', KEYS[2], 'state')
    if not batch_state then return {'missing', ''} end
    local earlier = redis.call('HGET', KEYS[5], file)
    if earlier then return {'exists', earlier} end
    if batch_state ~= 'open' then return {'closed', batch_state} end

    local place = redis.call('HINCRBY', KEYS[2], 'sequence', 1)
    redis.call('ZADD', KEYS[3], place, id)
    redis.call('ZADD', KEYS[4], place, id)
    redis.call('HSET', KEYS[5], file, id)
    redis.call('HINCRBY', KEYS[2], 'count:' .. state, 1)
end

for i = 4, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return {'created', id}

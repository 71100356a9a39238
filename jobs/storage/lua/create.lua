-- Write a new job, and its place in its batch, in one step.
--
-- KEYS  1 job  [2 batch  3 the batch's jobs  4 its jobs in this state  5 its files]
-- ARGV  1 job id   2 state   3 file   4 '1' when the job is restored: then a batch that takes no more files takes it
--       5 the time now, Unix seconds   6 JSON: {came_s, ended_s: Unix seconds; started_at, finished_at: texts}
--       7… the record's fields and values, in turn
--
-- Gives {'created', id}; or {'exists', id} when there is this job, or this batch has one for this file;
-- or {'closed', state} when the batch takes no more files; or {'missing', ''} when there is no such batch.
local id, state, file, is_restored, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
local times = cjson.decode(ARGV[6])

if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists', id} end
if #KEYS > 1 then
    local batch_state, removed_at = unpack(redis.call('HMGET', KEYS[2], 'state', 'removed_at'))
    if not batch_state or removed_at then return {'missing', ''} end
    local earlier = redis.call('HGET', KEYS[5], file)
    if earlier then return {'exists', earlier} end
    if batch_state ~= 'open' and not is_restored then return {'closed', batch_state} end

    local place = redis.call('HINCRBY', KEYS[2], 'sequence', 1)
    redis.call('ZADD', KEYS[3], place, id)
    redis.call('ZADD', KEYS[4], place, id)
    redis.call('HSET', KEYS[5], file, id)
    redis.call('HINCRBY', KEYS[2], 'count:' .. state, 1)
    note_change(KEYS[2], id, now)
    note_span(KEYS[2], times.started_at, times.finished_at)
    redis.call('HSETNX', KEYS[2] .. ':timeline', 'start', times.came_s)
    if times.ended_s then note_end(KEYS[2], state, times.ended_s) end
end

for i = 7, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
local model, batch_id, image, recipe = unpack(redis.call('HMGET', KEYS[1], 'model', 'batch_id', 'image', 'recipe'))
if image then use_image(id, image) end
if image and recipe then note_answer(id, image, recipe) end
if state == 'queued' then enter_line(id, model, batch_id) end
touch(id, batch_id, now)
return {'created', id}

-- Remove one job's record and what refers to it, in one step.
--
-- ARGV  1 job id   2 the time now, Unix seconds   3 '1' when only a finished job is to be removed
--
-- Gives 1, or 0 when there is no such job, or it is unfinished and is not to be removed then. An image that no other job uses is noted as unused.
local id, now = ARGV[1], ARGV[2]
local job = key('job', id)
local fields = redis.call('HMGET', job, 'state', 'model', 'batch_id', 'image', 'recipe')
local state, model, batch_id, image, recipe = unpack(fields)
if not state then return 0 end
if ARGV[3] == '1' and (state == 'queued' or state == 'running') then return 0 end

leave_state(state, id, model, batch_id)
if recipe then forget_answer(id, image, recipe) end
if image then leave_image(id, image, now) end
if batch_id then
    local batch = key('batch', batch_id)
    redis.call('ZREM', batch .. ':jobs', id)
    redis.call('ZREM', batch .. ':changes', id)
    redis.call('ZREM', batch .. ':jobs:' .. state, id)
    redis.call('HINCRBY', batch, 'count:' .. state, -1)
end
redis.call('ZREM', key('jobs'), id)
redis.call('DEL', job)
return 1

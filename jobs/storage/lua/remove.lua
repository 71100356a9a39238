-- Remove jobs' records and what refers to them, in one step.
--
-- ARGV  1 the time now, Unix seconds   2 '1' when only finished jobs are to be removed   3… job ids
--
-- Gives how many are gone: those that are unfinished stay when they are not to be removed then. An image that no
-- other job uses is noted as unused.
local now, only_finished = ARGV[1], ARGV[2] == '1'

local function leave_batch(job, finish_reason)
    local batch = key('batch', job.batch_id)
    redis.call('ZREM', batch .. ':jobs', job.id)
    redis.call('ZREM', batch .. ':changes', job.id)
    leave_set(job)
    count(job.batch_id, job.state, -1)
    count_cut(job.batch_id, job.state, finish_reason, -1)
end

-- An owner's answer may be where those of nobody are, since before answers had owners.
local function forget_answers(job, recipe)
    forget_answer(job.id, job.images, recipe, job.owner)
    if job.owner then forget_answer(job.id, job.images, recipe) end
end

local function remove(id)
    local job = settled_job(id)
    -- What cannot be read goes with its batch; alone, it stays until somebody has looked at it.
    if not job then return only_finished and 0 or redis.call('DEL', key('job', id)) end
    if only_finished and (job.state == 'queued' or job.state == 'running') then return 0 end
    local recipe, finish_reason = unpack(redis.call('HMGET', key('job', id), 'recipe', 'finish_reason'))
    leave_state(job)
    -- Of one without an end nobody has had anything: it has not been taken.
    local day = day_of(id)
    if is_open(job.state) then charge(job.charged, day, job.state, nil, 1, job.count) end
    if job.charged then note_more(job.batch_id, job.state, day, 1 - job.count) end
    if recipe and job.images then try(forget_answers, job, recipe) end
    each_image(job.images, function(image) try(leave_image, id, image, now, job.owner) end)
    if job.batch_id then try(leave_batch, job, finish_reason) end
    if is_open(job.state) then try(tell_end, job) end
    redis.call('ZREM', key('jobs'), id)
    redis.call('DEL', key('job', id))
    return 1
end

write_when_full()
local removed = 0
for i = 3, #ARGV do removed = removed + remove(ARGV[i]) end
return removed

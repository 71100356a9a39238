-- Make jobs without a batch, those among them that are nobody's, an owner's, in one step.
--
-- ARGV  1 the owner   2… job ids
--
-- Gives how many were nobody's.
local owner = ARGV[1]

local adopted = 0
for i = 2, #ARGV do
    local job = read_job(ARGV[i])
    if job and not job.batch_id and not job.owner then
        redis.call('HSET', key('job', job.id), 'owner', owner)
        job.owner = owner
        local is_waiting = redis.call('ZREM', singles_of(job.model), job.id) == 1
        if is_waiting then enter_line(job.id, job.model, nil, owner) end
        charge_whole(owner, job.id, is_waiting and 'queued' or job.state)
        try(adopt_images, job, fields_of(key('job', job.id), 'recipe')[1])
        adopted = adopted + 1
    end
end
return adopted

-- Move one job to another state, if it is in one that allows it, with all that depends on it, in one step.
--
-- ARGV  1 job id   2 the state to move to   3 JSON: the states it may move from   4 JSON: {set: {field: value},
--       unset: [field], is_anew, is_crash, increase: {field: by}, send_ticket, is_retry; quotas: those to keep;
--       unless_queued_since: a time as a record says it}   5 the time now, Unix seconds
--
-- Gives {'moved', the state it was in}; or {'refused', the state it is in} when that is not one of those allowed,
-- and nothing has changed; or {'missing', ''} when there is no such job; or {'over', quota, what is taken of it} when that
-- would pass a quota, and nothing has changed.
local id, to, allowed, change, now = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), ARGV[5]

local job = settled_job(id)
if not job then return {'missing', ''} end
local from = job.state
-- In a deleted batch nothing begins again.
if to == 'queued' and job.batch_id and redis.call('HEXISTS', key('batch', job.batch_id), 'removed_at') == 1 then
    return {'refused', from}
end
if change.is_retry and job.stays_failed then return {'refused', from} end
if change.unless_queued_since then
    local queued_at = redis.call('HGET', key('job', id), 'queued_at')
    if queued_at and queued_at > change.unless_queued_since then return {'refused', from} end
end
for _, state in ipairs(allowed) do
    if state == from then
        local passed = new_guard(change.quotas, job.owner, now)(day_left(id, now), 1, job.count)
        if passed then return {'over', unpack(passed)} end
        move(job, to, change, now)
        return {'moved', from}
    end
end
return {'refused', from}

-- Queue the failed jobs of a batch again, but for those that stay failed, in one step.
--
-- ARGV  1 batch id   2 the time now as a record says it   3 the time now, Unix seconds   4 JSON: the quotas to keep
--
-- Gives {how many, how many stay failed since their answers were cut}; or {} when there is no such batch; or
-- {'over', quota, what is taken of it} when that would pass a quota, and nothing has changed.
local id, now_text, now, quotas = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4])
local batch = key('batch', id)

if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'removed_at') == 1 then return {} end
local owner, days = unpack(fields_of(batch, 'owner', 'days'))
if owner then
    local today, guard = day_at(now), new_guard(quotas, owner, now)
    for day, many in pairs(days_of_sets(days, sets_of(id, 'failed', read_pending(id)))) do
        local passed = many > 0 and guard(day >= today and day or nil, many, many + more_of(id, 'failed', day))
        if passed then return {'over', unpack(passed)} end
    end
end
local queued = mark(id, 'retry', {'failed'}, 'queued', now_text, now)[1]
return {queued, counted(redis.call('HGET', batch, 'cut_short:failed')) or 0}

-- What owners take: how many of their jobs are open, and what those that came on a day amount to. The first are jobs, all
-- else is counted in images: a job about several is as many, one about a whole file of pages as many as these, and a file that
-- was refused is one.
--
-- eva01:open_jobs has the first by owner, eva01:usage:<day> the rest as <owner>:<what>; `what` is taken, succeeded, failed,
-- cancelled, output_tokens or device_us (microseconds of the device). A day is a number of days since 1970 in UTC, and a
-- job's is the one on which it came, as its id says. So what is given back, and what is taken again, is so on that day.
--
-- A batch's field `days` says on which day which of its places came, as <first place>:<day> with spaces between; so many
-- jobs can be counted without a look at each. Nobody is charged for the places before it: those of a batch that becomes an
-- owner's are counted from the last to the first (adopt_batch.lua). How many images more than jobs there are in a state is in
-- its fields more:<state>:<day>, also of those places alone.

local DAY_MS, US = 24 * 3600 * 1000, 1000000

-- The day on which a job came; nil where its id does not say it.
local function day_of(job_id)
    local ms = string.sub(job_id, 13, 13) == '7' and tonumber(string.sub(job_id, 1, 12), 16)
    return ms and math.floor(ms / DAY_MS) or nil
end

-- The day of a time in Unix seconds.
local function day_at(now)
    return math.floor(now * 1000 / DAY_MS)
end

-- The day on which a job came that runs again; nil when that day is over, and nothing more can be taken on it.
local function day_left(job_id, now)
    local day = day_of(job_id)
    return day and day >= day_at(now) and day or nil
end

-- True when a job's place in its batch is one that `days` tells of.
local function is_counted(job_id, batch_id, days)
    local first = counted(string.match(days or '', '^%d+'))
    if not first then return false end
    if first <= 1 then return true end
    local place = redis.pcall('ZSCORE', key('batch', batch_id, 'jobs'), job_id)
    return (counted(place) or 0) >= first
end

-- Who is charged for a job: its batch's owner, or its own where it has no batch; nil for nobody.
local function charged(job_id, own, batch_id, batch_owner, days)
    if not batch_id then return own or nil end
    return batch_owner and is_counted(job_id, batch_id, days) and batch_owner or nil
end

-- Add to a sum; gives it then, or nil where what is kept is none: that is not counted any further.
local function add(sums, field, by)
    local sum
    try(function() sum = redis.call('HINCRBY', sums, field, digits(by)) end)
    return sum
end

local function add_usage(owner, day, what, by)
    if by == 0 then return end
    local sum = add(key('usage', day), owner .. ':' .. what, by)
    -- Likely the first of this day: the days that there are can be found.
    if sum == by then redis.call('ZADD', key('usage_days'), day, day) end
end

local function is_open(state)
    return state == 'queued' or state == 'running'
end

-- Charge an owner for so many jobs of a day that have gone `from` one state `to` another, and for their images before and
-- after that; nil stands for not being there.
local function charge(owner, day, from, to, jobs, before, after)
    if not owner or not day or jobs == 0 then return end
    if is_open(from) ~= is_open(to) then
        add(key('open_jobs'), owner, is_open(to) and jobs or -jobs)
    end
    add_usage(owner, day, 'taken', (to and after or 0) - (from and before or 0))
    if from and not is_open(from) then add_usage(owner, day, from, -before) end
    if to and not is_open(to) then add_usage(owner, day, to, after) end
end

-- How many images a job is charged for: `counts_as` where its record says that, else as many as it names.
local function images_of(images, counts_as)
    local _, commas = string.gsub(images or '', ',', '')
    return math.max(1 + commas, math.floor(counted(counts_as) or 0))
end

local function more_field(state, day)
    return 'more:' .. state .. ':' .. digits(day)
end

-- How many images more than jobs a batch has in a state, of a day.
local function more_of(batch_id, state, day)
    return counted(redis.call('HGET', key('batch', batch_id), more_field(state, day))) or 0
end

local function add_more(batch_id, state, day, by)
    if by ~= 0 then add(key('batch', batch_id), more_field(state, day), by) end
end

-- Note a job's images with its batch, where somebody is charged for them.
local function note_more(batch_id, state, day, by)
    if batch_id and day then add_more(batch_id, state, day, by) end
end

-- What an answer cost, as {output_tokens, device_us}; one that was known already cost nothing. Version 0.1.0 wrote True
-- and False.
local function cost_of(fields)
    local is_known = fields.cached == '1' or fields.cached == 'True'
    local usage = fields.usage and not is_known and decoded(fields.usage)
    if type(usage) ~= 'table' then return {} end
    return {
        output_tokens = counted(usage.output_tokens) or 0,
        device_us = math.floor((counted(usage.device_s) or 0) * US + 0.5),
    }
end

local function charge_cost(owner, day, cost)
    if not owner or not day then return end
    for what, by in pairs(cost) do add_usage(owner, day, what, by) end
end

-- Charge for one job's way to a state, and for its answer; `fields` are those of the record that change.
local function charge_move(job, to, fields)
    local day, before, after = day_of(job.id), job.count, job.count
    if fields.images then after = images_of(fields.images, fields.counts_as) end
    charge(job.charged, day, job.state, to, 1, before, after)
    if job.charged then
        note_more(job.batch_id, job.state, day, 1 - before)
        note_more(job.batch_id, to, day, after - 1)
    end
    if to == 'succeeded' then charge_cost(job.charged, day, cost_of(fields)) end
end

-- Charge an owner for a job as it is, with what its answer has cost.
local function charge_whole(owner, job_id, state, batch_id)
    if not state then return end
    local day = day_of(job_id)
    local usage, cached, images, counts_as = unpack(fields_of(key('job', job_id), 'usage', 'cached', 'images', 'counts_as'))
    local count = images_of(images, counts_as)
    charge(owner, day, nil, state, 1, 0, count)
    note_more(batch_id, state, day, count - 1)
    if state == 'succeeded' then charge_cost(owner, day, cost_of({usage = usage, cached = cached})) end
end

-- A batch's days, one of whose places has come on `day`.
local function with_day(days, place, day)
    local last = days and string.match(days, ':(%d+)$')
    if last == tostring(day or 0) then return days end
    return (days and days .. ' ' or '') .. digits(place) .. ':' .. (day or 0)
end

-- The same of a place before all others of them.
local function with_day_before(days, place, day)
    local first, others = string.match(days or '', '^%d+:(%d+)(.*)$')
    if first == tostring(day or 0) then return digits(place) .. ':' .. first .. others end
    return digits(place) .. ':' .. (day or 0) .. (days and ' ' .. days or '')
end

-- How many members of a batch's sets came on each day: {day: how many}; 0 stands for those that nobody is charged for, and
-- for those whose ids do not say it. Their scores are their places.
local function days_of_sets(days, sets)
    local runs, sums = {{first = 0, day = 0}}, {}
    for first, day in string.gmatch(days or '', '(%d+):(%d+)') do
        runs[#runs + 1] = {first = tonumber(first), day = tonumber(day)}
    end
    for _, set in ipairs(sets) do
        for i, run in ipairs(runs) do
            local last = runs[i + 1] and '(' .. digits(runs[i + 1].first) or '+inf'
            sums[run.day] = (sums[run.day] or 0) + redis.call('ZCOUNT', set, digits(run.first), last)
        end
    end
    return sums
end

-- Quotas

-- A guard of quotas while jobs come: a function that takes a day, and how many more jobs and images come then, and gives {quota,
-- what is taken of it already} of the first quota that these would pass, or notes them and gives nil. `quotas`: {open_jobs,
-- images_per_day, device_s_per_day}, each of which may be missing; `now`: Unix seconds.
-- Of no day: what came on a day that is over takes no images of another. Nothing is written.
local function new_guard(quotas, owner, now)
    if not quotas or not owner then return function() end end
    local open, images, device_s = nil, {}, nil
    local function sum(day, ...)
        local parts = {}
        for i, what in ipairs({...}) do
            parts[i] = counted(redis.call('HGET', key('usage', day), owner .. ':' .. what)) or 0
        end
        return unpack(parts)
    end
    return function(day, jobs, more_images)
        local taken, failed, cancelled
        if quotas.open_jobs then
            open = open or counted(redis.call('HGET', key('open_jobs'), owner)) or 0
            if open + jobs > quotas.open_jobs then return {'open_jobs', digits(open)} end
        end
        if quotas.images_per_day and day then
            if not images[day] then
                taken, failed, cancelled = sum(day, 'taken', 'failed', 'cancelled')
                images[day] = taken - failed - cancelled
            end
            if images[day] + more_images > quotas.images_per_day then return {'images_per_day', digits(images[day])} end
        end
        if quotas.device_s_per_day then
            device_s = device_s or sum(day_at(now), 'device_us') / US
            if device_s >= quotas.device_s_per_day then return {'device_s_per_day', string.format('%.6f', device_s)} end
        end
        open = open and open + jobs
        if images[day] then images[day] = images[day] + more_images end
    end
end

-- Write new jobs, each with its place in its batch and its ticket, in one step.
--
-- ARGV  1 the batch's id, or '' for jobs without one   2 the time now, Unix seconds   3 '1' when they are restored: then
--       a batch that takes no more files takes them   4 the time now as a record says it
--       5 the zip that their files came in, or ''   6 its digest, or ''
--       7 JSON: the quotas to keep   8 JSON: [{id, state, is_refused, came_s, ended_s: Unix seconds; started_at,
--       finished_at: texts; fields: {field: value}}]
--
-- Gives for each {'created', id, the name it has in the batch}; or {'exists', id} when there is this job, or the batch
-- has one for this very file; or {'mended', id} when this very file, or the zip it came in, was refused, and is taken
-- now; or {'closed', state} when the batch takes no more files; or {'missing', ''} when there is no such batch; or
-- {'over', quota, what is taken of it} when it would pass a quota: then nothing is done about those behind it, which are
-- left out.
local batch_id, now, is_restored, now_text, source, zip_digest = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4], ARGV[5], ARGV[6]
local quotas, jobs = cjson.decode(ARGV[7]), cjson.decode(ARGV[8])
if batch_id == '' then batch_id = nil end
local batch = batch_id and key('batch', batch_id)

local state, removed_at, sequence, shared, days = nil, nil, 0, {}, nil
if batch then
    state, removed_at, sequence, shared.question, shared.model, shared.options, shared.owner, days =
        unpack(redis.call('HMGET', batch, 'state', 'removed_at', 'sequence', 'question', 'model', 'options', 'owner', 'days'))
    sequence = counted(sequence) or counted(redis.call('ZREVRANGE', batch .. ':jobs', 0, 0, 'WITHSCORES')[2]) or 0
end
-- What is written for many jobs at once.
local places, sets, changes, counts, ends, tickets, charges
local first_started, last_finished, first_came
local function begin()
    places, sets, changes, counts, ends, tickets, charges = {}, {}, {}, {}, {}, {}, {}
    first_started, last_finished, first_came = nil, nil, nil
end
begin()
local first_change = batch and state and reserve_changes(batch, now, #jobs)
local guard = new_guard(quotas, shared.owner or (not batch and jobs[1].fields.owner), now)
local passed
local has_namesakes = batch and redis.call('EXISTS', batch .. ':namesakes') == 1

local function write()
    if #places > 0 then
        redis.call('HSET', batch, 'sequence', sequence, unpack(days and {'days', days} or {}))
        redis.call('ZADD', batch .. ':jobs', unpack(places))
        for set, members in pairs(sets) do redis.call('ZADD', set, unpack(members)) end
        redis.call('ZADD', batch .. ':changes', unpack(changes))
        for one, by in pairs(counts) do count(batch_id, one, by) end
        note_span(batch, first_started, last_finished)
        redis.call('HSETNX', batch .. ':timeline', 'start', first_came)
        for _, job in ipairs(ends) do note_ends(batch, job.state, job.ended_s, 1) end
        touch(nil, batch_id, now, shared.owner)
    end
    for _, one in pairs(charges) do
        charge(one.owner, one.day, nil, one.state, one.jobs, 0, one.images)
        note_more(batch_id, one.state, one.day, one.images - one.jobs)
    end
    for model, number in pairs(tickets) do send_tickets(model, batch_id, number) end
    begin()
end

local function count_of(job)
    return images_of(job.fields.images, job.fields.counts_as)
end

-- That a job of the batch was made of a list of files.
local has_lists = false
local function note_list(job)
    if job.fields.files and not has_lists then redis.call('HSET', batch, 'has_lists', '1') end
    has_lists = has_lists or job.fields.files ~= nil
end

-- A file that was refused, perhaps right before, and is taken now; or the first that is taken of a zip that was.
local function mended(id, job, file)
    if not job.fields.images or (state ~= 'open' and not is_restored) then return {'exists', id} end
    write()
    local earlier = settled_job(id)
    if not earlier or not earlier.is_refused then return {'exists', id} end
    passed = guard(day_left(id, now), 1, count_of(job))
    if passed then return {'over', unpack(passed)} end
    local fields, unset = job.fields, {'error', 'finished_at', 'is_refused'}
    local set = {
        images = fields.images, media_types = fields.media_types, files = fields.files, counts_as = fields.counts_as,
        question = fields.question, queued_at = now_text,
    }
    if batch then
        local row = read_file(id)
        local name = row.name .. row.suffix
        if row.path ~= file.path then
            name = renamed(batch, row, file)
            if name == file.path then unset[#unset + 1] = 'sent_as' else set.sent_as = file.path end
        end
        set.file, set.page, set.pages = name .. file.suffix, fields.page, fields.pages
        has_namesakes = note_name(batch, file, name, id) or has_namesakes
        note_list(job)
    end
    move(earlier, 'queued', {set = set, unset = unset, send_ticket = true}, now)
    return {'mended', id}
end

local function note_charge(job, owner)
    local day = day_of(job.id)
    local sum = day and owner .. ' ' .. day .. ' ' .. job.state
    if sum then
        charges[sum] = charges[sum] or {owner = owner, day = day, state = job.state, jobs = 0, images = 0}
        charges[sum].jobs = charges[sum].jobs + 1
        charges[sum].images = charges[sum].images + count_of(job)
    end
    if job.state == 'succeeded' then charge_cost(owner, day, cost_of(job.fields)) end
end

local function place(job)
    sequence = sequence + 1
    if shared.owner then days = with_day(days, sequence, day_of(job.id)) end
    local set = set_of(batch_id, job.state, stays_failed(job.is_refused, job.state, job.fields.finish_reason))
    sets[set] = sets[set] or {}
    places[#places + 1], places[#places + 2] = sequence, job.id
    table.insert(sets[set], sequence)
    table.insert(sets[set], job.id)
    changes[#changes + 1], changes[#changes + 2] = digits(first_change), job.id
    first_change = first_change + 1
    counts[job.state] = (counts[job.state] or 0) + 1
    count_cut(batch_id, job.state, job.fields.finish_reason, 1)
    if job.started_at and (not first_started or job.started_at < first_started) then first_started = job.started_at end
    if job.finished_at and (not last_finished or job.finished_at > last_finished) then last_finished = job.finished_at end
    if not first_came or job.came_s < first_came then first_came = job.came_s end
    if job.ended_s then table.insert(ends, job) end
end

local function create(job)
    local record = key('job', job.id)
    if redis.call('EXISTS', record) == 1 then return mended(job.id, job, batch and new_file(job.fields, source)) end
    if batch then
        if not state or removed_at then return {'missing', ''} end
        local file = new_file(job.fields, source)
        local row = find_row(batch, file, has_namesakes)
        if row.id then return {'exists', row.id} end
        if state ~= 'open' and not is_restored then return {'closed', state} end
        local refused = not row.is_first and not file.is_refused and find_refused(batch, file, has_namesakes)
        refused = refused or (job.fields.images and find_zip(batch, source, zip_digest, has_namesakes))
        if refused then return mended(refused.id, job, file) end
        passed = job.state == 'queued' and guard(day_of(job.id), 1, count_of(job))
        if passed then return {'over', unpack(passed)} end
        local name = row.is_first and file.name or free_name(batch, file)
        has_namesakes = note_name(batch, file, name, job.id) or has_namesakes
        job.fields.file = name .. file.suffix
        if name ~= file.path then job.fields.sent_as = file.path end
        note_list(job)
        place(job)
    else
        passed = job.state == 'queued' and guard(day_of(job.id), 1, count_of(job))
        if passed then return {'over', unpack(passed)} end
    end
    local owner = job.fields.owner
    if batch then owner = shared.owner end
    if owner then note_charge(job, owner) end
    local fields = {}
    for field, value in pairs(job.fields) do
        -- What is the batch's as well is kept once.
        if value ~= shared[field] then fields[#fields + 1], fields[#fields + 2] = field, value end
    end
    redis.call('HSET', record, unpack(fields))
    each_image(job.fields.images, function(image) use_image(job.id, image, owner) end)
    if job.fields.images and job.fields.recipe then note_answer(job.id, job.fields.images, job.fields.recipe, owner) end
    local model = job.fields.model
    if job.state == 'queued' then
        tickets[model] = (tickets[model] or 0) + 1
        if not batch or tickets[model] == 1 then enter_line(job.id, model, batch_id, owner) end
    end
    if not batch then touch(job.id, nil, now) end
    return {'created', job.id, job.fields.file}
end

local outcomes = {}
for _, job in ipairs(jobs) do
    outcomes[#outcomes + 1] = create(job)
    if passed then break end
end

write()
return outcomes

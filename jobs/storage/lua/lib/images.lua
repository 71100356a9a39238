-- What needs an image is a job, or the claim of an upload under way. A job names its images by their hashes,
-- with commas between them.
--
--     eva01:image:<sha256>         claims, and jobs of nobody in particular
--     eva01:image:<sha256>:owned   <owner>/<job>: sorted by their letters, so that an owner's are found at once

local function each_image(images, call)
    for image in string.gmatch(images or '', '[^,]+') do call(image) end
end

local function is_used(image)
    return redis.call('EXISTS', key('image', image), key('image', image, 'owned')) > 0
end

-- Something else in place of either keeps the image as well.
local function use_image(user, image, owner)
    if owner then
        try(redis.call, 'ZADD', key('image', image, 'owned'), 0, owner .. '/' .. user)
    else
        try(redis.call, 'SADD', key('image', image), user)
    end
end

-- An image that nothing else needs is noted as unused. An owner's job may be where those of nobody are, since before
-- users had owners, or because it was nobody's.
local function leave_image(user, image, now, owner)
    if not owner or redis.call('ZREM', key('image', image, 'owned'), owner .. '/' .. user) == 0 then
        redis.call('SREM', key('image', image), user)
    end
    if not is_used(image) then redis.call('ZADD', key('unused_images'), now, image) end
end

-- True while somebody deletes an image, which takes `lock_s` seconds at most: what stays longer is no deleter's.
local function is_being_deleted(image, lock_s)
    local left_ms = redis.call('PTTL', key('image', image, 'deleter'))
    return left_ms >= 0 and left_ms <= lock_s * 1000
end

-- Answers can be found by whose they are and what was asked (the recipe), in an index that belongs to the first of the
-- images. The newest job with this answer owns the entry; deleting the job deletes the entry.
local function answers_key(images)
    return key('image', string.match(images, '[^,]+'), 'answers')
end

local function answer_field(recipe, owner)
    return owner and owner .. '/' .. recipe or recipe
end

local function note_answer(job_id, images, recipe, owner)
    redis.call('HSET', answers_key(images), answer_field(recipe, owner), job_id)
end

-- True when the entry was the job's.
local function forget_answer(job_id, images, recipe, owner)
    local answers, field = answers_key(images), answer_field(recipe, owner)
    return redis.call('HGET', answers, field) == job_id and redis.call('HDEL', answers, field) == 1
end

-- What a job of nobody needs and has said is its owner's from now on.
local function adopt_images(job, recipe)
    each_image(job.images, function(image)
        use_image(job.id, image, job.owner)
        redis.call('SREM', key('image', image), job.id)
    end)
    if recipe and job.images and forget_answer(job.id, job.images, recipe) then
        note_answer(job.id, job.images, recipe, job.owner)
    end
end

-- What needs an image is a job, or the claim of an upload under way. A job names its images by their hashes,
-- with commas between them.

local function each_image(images, call)
    for image in string.gmatch(images or '', '[^,]+') do call(image) end
end

local function use_image(user, image)
    redis.call('SADD', key('image', image), user)
end

-- An image that nothing else needs is noted as unused.
local function leave_image(user, image, now)
    redis.call('SREM', key('image', image), user)
    if redis.call('EXISTS', key('image', image)) == 0 then redis.call('ZADD', key('unused_images'), now, image) end
end

-- Answers can be found by what was asked (the recipe), in an index that belongs to the first of the images. The
-- newest job with this answer owns the entry; deleting the job deletes the entry.
local function answers_key(images)
    return key('image', string.match(images, '[^,]+'), 'answers')
end

local function note_answer(job_id, images, recipe)
    redis.call('HSET', answers_key(images), recipe, job_id)
end

local function forget_answer(job_id, images, recipe)
    local answers = answers_key(images)
    if redis.call('HGET', answers, recipe) == job_id then redis.call('HDEL', answers, recipe) end
end

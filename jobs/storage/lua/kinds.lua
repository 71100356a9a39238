-- Tell what jobs of some owners found an image to be; those of a deleted batch say nothing any more.
--
-- ARGV  1 the image's hash   2 how many jobs of each owner to look at   3… the owners, '' for nobody in particular
--
-- Gives for each such job {its images' media types, how many pages there are, or false, its images, or false where version 0.1.0
-- wrote it}.
local image, limit = ARGV[1], tonumber(ARGV[2])

-- Those of an owner begin with its name and a `/`, behind which comes `0`.
local function users_of(owner)
    if owner == '' then return redis.pcall('SRANDMEMBER', key('image', image), limit) end
    local first, last = '[' .. owner .. '/', '(' .. owner .. '0'
    local found = redis.pcall('ZREVRANGEBYLEX', key('image', image, 'owned'), last, first, 'LIMIT', 0, limit)
    for place, user in ipairs(found) do found[place] = string.sub(user, #owner + 2) end
    return found
end

local kinds = {}
for i = 3, #ARGV do
    for _, id in ipairs(users_of(ARGV[i])) do
        local fields = fields_of(key('job', id), 'media_types', 'media_type', 'pages', 'images', 'batch_id', 'owner')
        local types, type_of_old, pages, images, batch_id, owner = unpack(fields)
        local removed_at
        if batch_id then owner, removed_at = unpack(fields_of(key('batch', batch_id), 'owner', 'removed_at')) end
        types = types or type_of_old
        if types and not removed_at and (owner or '') == ARGV[i] then kinds[#kinds + 1] = {types, pages, images} end
    end
end
return kinds

-- Give up an upload's claim on images, in one step.
--
-- ARGV  1 the claim   2 the time now, Unix seconds   3… the images' hashes
--
-- An image that nothing else needs is noted as unused.
local claim, now = ARGV[1], ARGV[2]

for i = 3, #ARGV do
    local image = ARGV[i]
    if redis.call('ZREM', key('image_claims'), image .. '/' .. claim) == 1 then try(leave_image, claim, image, now) end
end

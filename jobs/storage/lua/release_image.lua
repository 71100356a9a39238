-- Give up an upload's claim on an image, in one step.
--
-- ARGV  1 the image's hash   2 the claim   3 the time now, Unix seconds
--
-- An image that nothing else needs is noted as unused.
local image, claim, now = ARGV[1], ARGV[2], ARGV[3]

if redis.call('ZREM', key('image_claims'), image .. '/' .. claim) == 1 then leave_image(claim, image, now) end

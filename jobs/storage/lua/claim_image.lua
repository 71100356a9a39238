-- Claim an image for an upload, in one step.
--
-- ARGV  1 the image's hash   2 the claim   3 the time now, Unix seconds
--
-- Gives 1, or 0 and nothing has changed while the image is being deleted.
local image, claim, now = ARGV[1], ARGV[2], ARGV[3]

if redis.call('EXISTS', key('image', image, 'deleter')) == 1 then return 0 end
use_image(claim, image)
redis.call('ZADD', key('image_claims'), now, image .. '/' .. claim)
return 1

-- Claim images for an upload, in one step.
--
-- ARGV  1 the claim   2 the time now, Unix seconds   3… the images' hashes
--
-- Gives those that cannot be claimed, because they are being deleted.
local claim, now = ARGV[1], ARGV[2]

local refused = {}
for i = 3, #ARGV do
    if redis.call('EXISTS', key('image', ARGV[i], 'deleter')) == 1 then
        table.insert(refused, ARGV[i])
    else
        use_image(claim, ARGV[i])
        redis.call('ZADD', key('image_claims'), now, ARGV[i] .. '/' .. claim)
    end
end
return refused

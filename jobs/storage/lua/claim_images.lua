-- Claim images for an upload, in one step.
--
-- ARGV  1 the claim   2 the time now, Unix seconds   3 seconds for which images are a deleter's own
--       4… the images' hashes
--
-- Gives those that cannot be claimed, because they are being deleted.
local claim, now, lock_s = ARGV[1], ARGV[2], tonumber(ARGV[3])

local refused = {}
for i = 4, #ARGV do
    if is_being_deleted(ARGV[i], lock_s) then
        table.insert(refused, ARGV[i])
    else
        use_image(claim, ARGV[i])
        redis.call('ZADD', key('image_claims'), now, ARGV[i] .. '/' .. claim)
    end
end
return refused

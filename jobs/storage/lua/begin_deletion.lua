-- Take images that nothing uses, to delete them, in one step: until that is over none of them can be claimed.
--
-- ARGV  1 how many at most   2 the deleter's id   3 seconds for which they are its own
--
-- Gives their hashes. Those that are used again are no longer noted; another deleter's are left to it.
local limit, deleter, lock_s = tonumber(ARGV[1]), ARGV[2], ARGV[3]

write_when_full()
local taken = {}
for _, image in ipairs(redis.call('ZRANGE', key('unused_images'), 0, limit - 1)) do
    if is_used(image) then
        redis.call('ZREM', key('unused_images'), image)
    elseif redis.call('SET', key('image', image, 'deleter'), deleter, 'NX', 'EX', lock_s) then
        table.insert(taken, image)
    end
end
return taken

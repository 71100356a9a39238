-- Take images that nothing uses, to delete them, in one step: until that is over none of them can be claimed.
--
-- ARGV  1 how many at most   2 the deleter's id   3 seconds for which they are its own
--
-- Gives {how many are noted no longer because they are no hashes, the hashes}. Those that are used again are no longer noted;
-- another deleter's are left to it.
local limit, deleter, lock_s = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

write_when_full()
local taken, others = {}, 0
for _, image in ipairs(redis.call('ZRANGE', key('unused_images'), 0, limit - 1)) do
    if #image ~= 64 or string.find(image, '[^0-9a-f]') then
        redis.call('ZREM', key('unused_images'), image)
        others = others + 1
    elseif is_used(image) then
        redis.call('ZREM', key('unused_images'), image)
    elseif not is_being_deleted(image, lock_s) then
        redis.call('SET', key('image', image, 'deleter'), deleter, 'EX', lock_s)
        table.insert(taken, image)
    end
end
return {others, taken}

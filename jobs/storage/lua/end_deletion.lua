-- Let images be claimed again after their deletion, in one step.
--
-- ARGV  1 the deleter's id   2 '1' when they are deleted; otherwise they stay noted as unused   3… their hashes
--
-- Gives how many were still the deleter's own; the others are left as they are.
local deleter, is_deleted = ARGV[1], ARGV[2] == '1'

local own = 0
for i = 3, #ARGV do
    local lock = key('image', ARGV[i], 'deleter')
    if redis.pcall('GET', lock) == deleter then
        own = own + 1
        redis.call('DEL', lock)
        if is_deleted then redis.call('ZREM', key('unused_images'), ARGV[i]) end
    end
end
return own

-- Make room where something of another type has the place of what the fleet keeps of itself, in one step: it is put
-- aside. Workers write all of that anew.
--
-- ARGV  1 model
--
-- Gives the keys where that was so.
local kinds = {
    [key('workers')] = 'zset', [key('models')] = 'hash', [key('starts')] = 'hash',
    [key(ARGV[1], 'ready')] = 'zset', [key(ARGV[1], 'ready_of_late')] = 'zset',
}
local healed = {}
for name, kind in pairs(kinds) do
    local found = redis.call('TYPE', name).ok
    if found ~= kind and found ~= 'none' then
        redis.call('RENAME', name, name .. ':aside')
        healed[#healed + 1] = name
    end
end
return healed

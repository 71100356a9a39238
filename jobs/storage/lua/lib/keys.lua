-- Names of keys: the same as jobs/contract/names.py makes; a test compares them.

local function key(...)
    return table.concat({'eva01', ...}, ':')
end

-- A full Redis refuses a script's first write where that may take memory, and none after it, so that no script ends
-- half-way. A script that frees more than it takes begins with this, which changes nothing.
local function write_when_full()
    redis.call('ZREM', key('removals'), '')
end

-- A number as Redis keeps it without loss: microseconds since 1970 have 16 digits.
local function digits(number)
    return string.format('%.0f', number)
end

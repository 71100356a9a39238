-- Names of keys: the same as jobs/contract/names.py makes; a test compares them.

local function key(...)
    return table.concat({'eva01', ...}, ':')
end

-- A full Redis refuses a script's first write where that may take memory, and none after it, so that no script ends
-- half-way. A script that frees more than it takes begins with this, which changes nothing.
local function write_when_full()
    redis.call('ZREM', key('removals'), '')
end

-- The time now by the clock of Redis, in Unix seconds: the clocks of machines may differ.
local function now_s()
    local time = redis.call('TIME')
    return string.format('%d.%06d', time[1], time[2])
end

-- Some fields of a record, in order; none where the key holds something else than a record.
local function fields_of(record, ...)
    local values = redis.pcall('HMGET', record, ...)
    if not values.err then return values end
    if string.find(values.err, 'WRONGTYPE', 1, true) then return {} end
    return redis.call('HMGET', record, ...)
end

-- How an error begins or goes on that is about what is kept, and not about Redis: another type, no number, no JSON.
local UNREADABLE = {
    'WRONGTYPE', 'not an integer', 'not a float', 'not a valid float', 'attempt to ', 'Expected ', 'invalid value',
    'must be strings', 'would overflow',
}

-- Call a function; false where it meets what cannot be read.
local function try(call, ...)
    local is_done, said = pcall(call, ...)
    if is_done then return true end
    local words = type(said) == 'table' and said.err or tostring(said)
    for _, words_of_it in ipairs(UNREADABLE) do
        if string.find(words, words_of_it, 1, true) then return false end
    end
    error(said, 0)
end

-- A list or an object that is JSON, read; nil for all else.
local function decoded(text)
    local is_json, value = pcall(cjson.decode, text)
    return is_json and type(value) == 'table' and value or nil
end

-- Numbers beyond this one are not told apart from the next.
local LARGEST = 2 ^ 53

-- The number that a text is; nil for any other text, and for a number that nothing here can count to.
local function counted(text)
    local number = tonumber(text or '')
    return number and number > -LARGEST and number < LARGEST and number or nil
end

-- A number as Redis keeps it without loss: microseconds since 1970 have 16 digits.
local function digits(number)
    return string.format('%.0f', number)
end

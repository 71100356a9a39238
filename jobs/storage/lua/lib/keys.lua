-- Names of keys: the same as jobs/contract/names.py makes; a test compares them.

local function key(...)
    return table.concat({'eva01', ...}, ':')
end

-- A number as Redis keeps it without loss: microseconds since 1970 have 16 digits.
local function digits(number)
    return string.format('%.0f', number)
end

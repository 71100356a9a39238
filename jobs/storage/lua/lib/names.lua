-- What a file is called in its batch, and which row it has there already.
--
-- A file is told by the path it was sent under and by its content: its images and the page, or for a refused file its digest
-- and the zip that brought it. The first of a path is called by it; a further one by its zip and the path, or else by the
-- path with a number. eva01:batch:<id>:files leads from a name to its row, and eva01:batch:<id>:namesakes, for what is
-- called otherwise than it was sent, from a digest of what it is to its row, and from a path to its next number.
--
-- A file here is {name, path: both without the suffix; suffix: `#2` where a page is called so; images, page, is_refused,
-- digest, source}: texts, empty where there is none.

-- The file that a record's fields tell of; `source` is the zip that it came in, where the record does not say it.
local function new_file(fields, source)
    local name, suffix, page, images = fields.file, '', fields.page or '', fields.images or fields.image
    if page ~= '' and string.sub(name, -#page - 1) == '#' .. page then
        name, suffix = string.sub(name, 1, -#page - 2), '#' .. page
    end
    return {
        name = name, path = fields.sent_as or name, suffix = suffix, images = images or '', page = page,
        is_refused = fields.is_refused == '1' or (fields.state == 'failed' and not images),
        digest = fields.refused_sha256 or '', source = fields.source or source,
    }
end

local SENT = {'file', 'sent_as', 'page', 'images', 'image', 'state', 'is_refused', 'refused_sha256', 'source'}

-- The file of a row; nil when there is none.
local function read_file(job_id)
    local fields = {}
    for place, value in ipairs(redis.call('HMGET', key('job', job_id), unpack(SENT))) do fields[SENT[place]] = value or nil end
    if not fields.file then return nil end
    local file = new_file(fields, '')
    file.id = job_id
    return file
end

-- What a file is, as a digest.
local function identity(file)
    if file.is_refused then return redis.sha1hex(table.concat({'refused', file.digest, file.source, file.path}, '\0')) end
    return redis.sha1hex(table.concat({'image', file.images, file.page, file.path}, '\0'))
end

-- Where further numbers, refused files of a zip, and names of files with pages are noted.
local function note_key(...)
    return redis.sha1hex(table.concat({...}, '\0'))
end

-- True when a row is this very file. Rows of version 0.1.0 do not say what was refused.
local function is_same(row, file)
    if row.path ~= file.path then return false end
    if not file.is_refused then return row.images == file.images and row.page == file.page end
    return (row.digest == file.digest and row.source == file.source) or (row.is_refused and row.digest == '')
end

-- The row that a file has already: {id}; {is_first: true} when no other of its name came before; else {}.
local function find_row(batch, file, has_namesakes)
    local id = redis.call('HGET', batch .. ':files', file.path .. file.suffix)
    local row = id and read_file(id)
    if row and is_same(row, file) then return {id = id} end
    if has_namesakes then return {id = redis.call('HGET', batch .. ':namesakes', identity(file))} end
    return {is_first = not id and file.suffix == '' and file.name == file.path}
end

-- The refused file that a good one takes the place of: it came under the same path from the same source, before `began`, an id.
local function find_refused(batch, file, began, has_namesakes)
    local function fitting(id)
        local row = id and read_file(id)
        local is_earlier = row and (began == '' or row.id < began)
        return is_earlier and row.is_refused and row.path == file.path and row.source == file.source and row
    end
    return fitting(redis.call('HGET', batch .. ':files', file.path))
        or (has_namesakes and fitting(redis.call('HGET', batch .. ':namesakes', note_key('refused', file.source, file.path))))
end

local function numbered(path, number)
    local stem, ending = string.match(path, '^(.*[^/])(%.[^./]*)$')
    return (stem or path) .. ' (' .. digits(number) .. ')' .. (ending or '')
end

-- A name, without the page, that no other file of the batch has: its own, if that is free.
local function free_name(batch, file)
    local names, namesakes = batch .. ':files', batch .. ':namesakes'
    local function is_free(name)
        return redis.call('HEXISTS', names, name) == 0
            and (file.suffix == '' or redis.call('HEXISTS', names, name .. file.suffix) == 0)
    end
    if is_free(file.name) then return file.name end
    if is_free(file.path) then return file.path end
    if file.suffix ~= '' then
        -- The pages of a file are called alike.
        local id = redis.call('HGET', names, file.path)
        local row = id and read_file(id)
        local name = row and row.path == file.path and row.images == file.images and file.path
            or redis.call('HGET', namesakes, note_key('pages', file.images, file.path))
        if name and redis.call('HEXISTS', names, name .. file.suffix) == 0 then return name end
    end
    local zip = string.match(file.source, '^(.*[^/])%.[zZ][iI][pP]$')
    local path = zip and zip .. '/' .. file.path or file.path
    if is_free(path) then return path end
    local counter = note_key('number', path)
    local number = tonumber(redis.call('HGET', namesakes, counter) or 2)
    while not is_free(numbered(path, number)) do number = number + 1 end
    redis.call('HSET', namesakes, counter, digits(number + 1))
    return numbered(path, number)
end

-- Note what a row is called; true when that is not as it was sent.
local function note_name(batch, file, name, id)
    redis.call('HSET', batch .. ':files', name .. file.suffix, id)
    if file.suffix ~= '' then redis.call('HSETNX', batch .. ':files', name, id) end
    if name == file.path then return false end
    redis.call('HSET', batch .. ':namesakes', identity(file), id)
    if file.page ~= '' then redis.call('HSET', batch .. ':namesakes', note_key('pages', file.images, file.path), name) end
    if file.is_refused then redis.call('HSET', batch .. ':namesakes', note_key('refused', file.source, file.path), id) end
    return true
end

-- What a file is called in its batch, and which row it has there already.
--
-- A file is told by the path it was sent under and by its content: its images and the page, or for a refused file its digest
-- and the zip that brought it. The first of a path is called by it; a further one by its zip and the path, or else by the
-- path with a number. Pages of a file are called by its name, the first as the file and the others with `#2` and so on;
-- where there is a later one and not the first, the file's name leads to it and is kept for the first.
--
-- eva01:batch:<id>:files leads from a name to its row; and eva01:batch:<id>:namesakes, for what is called otherwise than it
-- was sent, from a digest of what it is to its row, and from a path to its next number.
--
-- A file here is {name, path: both without the suffix; suffix: `#2` where a page is called so; images, page, pages, is_refused,
-- digest, source}: texts, empty where there is none.

-- The file that a record's fields tell of; `source` is the zip that it came in, where the record does not say it.
local function new_file(fields, source)
    local name, suffix, page, images = fields.file, '', fields.page or '', fields.images or fields.image
    if page ~= '' and string.sub(name, -#page - 1) == '#' .. page then
        name, suffix = string.sub(name, 1, -#page - 2), '#' .. page
    end
    return {
        name = name, path = fields.sent_as or name, suffix = suffix, images = images or '', page = page,
        pages = fields.pages or '',
        is_refused = was_refused(fields.is_refused, fields.state, images),
        digest = fields.refused_sha256 or '', source = fields.source or source,
    }
end

local SENT = {'file', 'sent_as', 'page', 'pages', 'images', 'image', 'state', 'is_refused', 'refused_sha256', 'source'}

-- The file of a row; nil when there is none.
local function read_file(job_id)
    local fields = {}
    for place, value in ipairs(fields_of(key('job', job_id), unpack(SENT))) do fields[SENT[place]] = value or nil end
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

-- Where further numbers, and names of files with pages are noted.
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
    local may_be_a_page = string.find(file.path, '#%d+$')
    return {is_first = not id and file.page == '' and file.name == file.path and not may_be_a_page}
end

-- The row of a refused file: {path, digest, source}.
local function find_row_of_refused(batch, file, has_namesakes)
    local function fitting(id)
        local row = id and read_file(id)
        local is_it = row and row.is_refused and row.path == file.path and row.source == file.source and row.digest == file.digest
        return is_it and row
    end
    file.is_refused = true
    return fitting(redis.call('HGET', batch .. ':files', file.path))
        or (has_namesakes and fitting(redis.call('HGET', batch .. ':namesakes', identity(file))))
end

-- The row of this very file where it was refused, say by a limit that has been raised since: it is taken now.
local function find_refused(batch, file, has_namesakes)
    local was = {path = file.path, digest = file.images, source = file.source}
    local row = find_row_of_refused(batch, was, has_namesakes)
    -- Another file may be called as the page would be.
    local is_taken = row and file.suffix ~= '' and redis.call('HEXISTS', batch .. ':files', row.name .. file.suffix) == 1
    return row and not is_taken and row
end

-- The row of the zip that files come in where it was refused, say because it was not opened in time: the first of them takes it.
local function find_zip(batch, path, digest, has_namesakes)
    return digest ~= '' and find_row_of_refused(batch, {path = path, digest = digest, source = ''}, has_namesakes)
end

local function numbered(path, number)
    local stem, ending = string.match(path, '^(.*[^/])(%.[^./]*)$')
    return (stem or path) .. ' (' .. digits(number) .. ')' .. (ending or '')
end

-- True when a row is of the very images and path of a file, perhaps about other pages.
local function is_kin(row, file)
    return row and file.images ~= '' and row.images == file.images and row.path == file.path
end

-- True when a name is that of a page of a file in the batch, which may not have come yet.
local function is_of_a_page(names, name)
    local of, page = string.match(name, '^(.+)#([1-9]%d*)$')
    local id = page and tonumber(page) > 1 and redis.call('HGET', names, of)
    local row = id and read_file(id)
    return row and row.page ~= '' and row.name == of and tonumber(page) <= (tonumber(row.pages) or 0)
end

-- True when a file may be called so, and its further pages, too.
local function is_free(names, name, file)
    local full = name .. file.suffix
    local id = redis.call('HGET', names, full)
    local row = id and read_file(id)
    -- A later page keeps the name for the first, or for the whole file.
    local is_kept = row and is_kin(row, file) and row.name .. row.suffix ~= full
    if id and not is_kept then return false end
    if file.suffix ~= '' then
        id = redis.call('HGET', names, name)
        row = id and read_file(id)
    end
    if id then return is_kin(row, file) end
    if is_of_a_page(names, name) then return false end
    for page = 2, file.page ~= '' and tonumber(file.pages) or 1 do
        if redis.call('HEXISTS', names, name .. '#' .. digits(page)) == 1 then return false end
    end
    return true
end

-- A name, without the page, that no other file of the batch has: its own, if that is free. All pages of a file get the same.
local function free_name(batch, file)
    local names, namesakes = batch .. ':files', batch .. ':namesakes'
    local of_pages = file.page ~= '' and redis.call('HGET', namesakes, note_key('pages', file.images, file.path))
    if is_free(names, file.name, file) then return file.name end
    if of_pages and is_free(names, of_pages, file) then return of_pages end
    if file.path ~= file.name and is_free(names, file.path, file) then return file.path end
    local zip = string.match(file.source, '^(.*[^/])%.[zZ][iI][pP]$')
    local path = zip and zip .. '/' .. file.path or file.path
    if zip and is_free(names, path, file) then return path end
    local counter = note_key('number', path)
    local number = counted(redis.call('HGET', namesakes, counter)) or 2
    while not is_free(names, numbered(path, number), file) do number = number + 1 end
    redis.call('HSET', namesakes, counter, digits(number + 1))
    return numbered(path, number)
end

-- A name, without the page, for a row that is another file from now on; the one that it had is free.
local function renamed(batch, row, file)
    redis.call('HDEL', batch .. ':files', row.name .. row.suffix)
    redis.call('HDEL', batch .. ':namesakes', identity(row))
    return free_name(batch, file)
end

-- Note what a row is called; true when that is not as it was sent.
local function note_name(batch, file, name, id)
    redis.call('HSET', batch .. ':files', name .. file.suffix, id)
    if file.suffix ~= '' then redis.call('HSETNX', batch .. ':files', name, id) end
    if name == file.path then return false end
    redis.call('HSET', batch .. ':namesakes', identity(file), id)
    if file.page ~= '' then redis.call('HSET', batch .. ':namesakes', note_key('pages', file.images, file.path), name) end
    return true
end

-- Read some fields of records of a batch's jobs, which are settled before, in one step.
--
-- ARGV  1 batch id   2 JSON: the fields   3… job ids
--
-- Gives {what the jobs share with their batch: question, model, options, owner; for each job the fields' values in order,
-- or {'unreadable'} where something else is kept in its place}.
local batch_id, fields = ARGV[1], cjson.decode(ARGV[2])
local batch = key('batch', batch_id)

if fields_of(batch, 'pending')[1] then try(settle, batch_id, {unpack(ARGV, 3)}) end
local records = {}
for i = 3, #ARGV do
    local values = fields_of(key('job', ARGV[i]), unpack(fields))
    records[#records + 1] = #values > 0 and values or {'unreadable'}
end
return {redis.call('HMGET', batch, 'question', 'model', 'options', 'owner'), records}

-- Tell whose a job or a batch is.
--
-- ARGV  1 'job' or 'batch'   2 its id
--
-- Gives the owner, a job's being that of its batch; or nothing.
local kind, id = ARGV[1], ARGV[2]
local owner, batch_id = nil, id
if kind == 'job' then owner, batch_id = unpack(fields_of(key('job', id), 'owner', 'batch_id')) end
if batch_id then owner = fields_of(key('batch', batch_id), 'owner')[1] end
return owner or false

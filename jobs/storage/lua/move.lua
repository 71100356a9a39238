-- Move one job to another state, if it is in one that allows it, with all that depends on it, in one step.
--
-- ARGV  1 job id   2 the state to move to   3 the states it may move from, each between bars: |queued|running|
--       4 JSON: {set: {field: value}, unset: [field], increase: {field: by}}   5 the time now, Unix seconds
--
-- Gives the state it moved from; or '=' and the state it is in when that is not one of those allowed,
-- and nothing has changed; or '' when there is no such job.
local id, to, allowed, change, now = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4]), ARGV[5]

local from = redis.call('HGET', key('job', id), 'state')
if not from then return '' end
if not string.find(allowed, '|' .. from .. '|', 1, true) then return '=' .. from end
move(id, to, change, now)
return from

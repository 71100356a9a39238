-- Note that a worker is alive, and what its model can do, in one step; in a full Redis as well, since all that is
-- written has its place already or is small.
--
-- ARGV  1 the worker's id   2 JSON: the worker   3 milliseconds until it counts as gone   4 the time now, Unix seconds
--       5 its model   6 JSON: the model's card   7 how long it took to start, in seconds; '' before it has
local id, worker, expires_ms, now, model, card, start_s = unpack(ARGV)

write_when_full()
redis.call('SET', key('worker', id), worker, 'PX', expires_ms)
redis.call('ZADD', key('workers'), now, id)
redis.call('HSET', key('models'), model, card)
if start_s ~= '' then redis.call('HSET', key('starts'), model, start_s) end

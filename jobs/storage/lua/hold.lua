-- Note that a worker holds a ticket from now on, in one step.
--
-- ARGV  1 model   2 the ticket   3 what is kept of it meanwhile: JSON, [message, exchange, queue]
redis.call('ZADD', key(ARGV[1], 'held_index'), now_s(), ARGV[2])
redis.call('HSET', key(ARGV[1], 'held'), ARGV[2], ARGV[3])

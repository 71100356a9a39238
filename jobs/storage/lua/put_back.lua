-- Put a ticket back where it was taken from, in one step; in a full Redis as well, where it has just been.
--
-- ARGV  1 the queue   2 the ticket
write_when_full()
redis.call('RPUSH', ARGV[1], ARGV[2])

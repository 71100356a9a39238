-- Put a message that cannot be read in front of those that came before, in one step; in a full Redis as well, where
-- it has just been.
--
-- ARGV  1 the list   2 the message   3 how many of them are kept
write_when_full()
redis.call('LPUSH', ARGV[1], ARGV[2])
redis.call('LTRIM', ARGV[1], 0, ARGV[3] - 1)

-- Renew the leases of tickets, but for those that are held no longer, in one step.
--
-- ARGV  1 model   2 … the tickets
for place = 2, #ARGV do
    redis.call('ZADD', key(ARGV[1], 'held_index'), 'XX', now_s(), ARGV[place])
end

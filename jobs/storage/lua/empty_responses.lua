-- Let nothing remain of kept responses that speak of a batch but that there were some, in one step; in a full Redis as well,
-- since that frees more than it takes.
--
-- ARGV  1 batch id   2 how many at most   3 what remains of each
--
-- Gives how many there were.
local of_batch, limit, remains = key('batch', ARGV[1], 'responses'), ARGV[2], ARGV[3]

write_when_full()
local digests = redis.pcall('SPOP', of_batch, limit)
if digests.err then
    redis.call('DEL', of_batch)
    return 0
end
for _, digest in ipairs(digests) do redis.call('SET', key('idempotency', digest), remains, 'XX', 'KEEPTTL') end
return #digests

-- Keep a response under its Idempotency-Key, and let those go that were kept longest ago, as many as are too much.
--
-- ARGV  1 digest of the request   2 the response   3 seconds for which it is kept   4 bytes that all may take
--       5 the batch that it speaks of, or ''
--
-- A kept response's score is the sum of the bytes of those that were kept before it, so the oldest are too much that
-- lie further than ARGV[4] below the end of this one.
local digest, response, keep_s, most_bytes, batch_id = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
-- What Redis needs besides for a key and its place here.
local overhead_bytes = 400
local kept = key('kept_responses')

local function size_of(digest)
    return (tonumber(redis.pcall('STRLEN', key('idempotency', digest))) or 0) + overhead_bytes
end

local function bound()
    redis.call('ZREM', kept, digest)
    -- Sums that nothing here can count to, which somebody else has written.
    redis.call('ZREMRANGEBYSCORE', kept, '-inf', '(0')
    redis.call('ZREMRANGEBYSCORE', kept, digits(LARGEST), '+inf')
    local last, start = unpack(redis.call('ZRANGE', kept, -1, -1, 'WITHSCORES'))
    start = last and start + size_of(last) or 0
    redis.call('ZADD', kept, digits(start), digest)
    redis.call('EXPIRE', kept, keep_s)
    local least = start + size_of(digest) - most_bytes
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', kept, '-inf', '(' .. digits(least))) do
        redis.call('DEL', key('idempotency', old))
        redis.call('ZREM', kept, old)
    end
end

redis.call('SET', key('idempotency', digest), response, 'EX', keep_s)
if batch_id ~= '' and try(redis.call, 'SADD', key('batch', batch_id, 'responses'), digest) then
    redis.call('EXPIRE', key('batch', batch_id, 'responses'), keep_s)
end
-- Where something else is kept in place of their list, each ends by itself alone.
try(bound)

-- Let somebody do something again, if they have not done it too often of late, in one step; in a full Redis as well, since it
-- takes one small key that ends by itself. The generic cell rate algorithm: what is kept is when all that was done will be
-- paid off.
--
-- ARGV  1 a digest of who does what   2 how often a second   3 how often at once   4 'look': it is asked for and not done
--
-- Gives how many seconds there are until it would be let through, 0 when it was; and until all that was done is paid off.
local who, rate, burst = key('pace', ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

write_when_full()
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
-- Never later than all at once would be: else something else is kept there.
local kept = redis.pcall('GET', who)
local earlier = math.min(type(kept) == 'string' and counted(kept) or 0, now + burst / rate)
local before = math.max(now, earlier)
local paid = before + 1 / rate
local early_s = paid - burst / rate - now
-- Less than a clock tells: a step of the arithmetic.
local is_early = early_s > 0.000001
if is_early or ARGV[4] == 'look' then
    return {string.format('%.6f', is_early and early_s or 0), string.format('%.6f', before - now)}
end
redis.call('SET', who, string.format('%.6f', paid), 'PX', math.ceil((paid - now) * 1000))
return {'0', string.format('%.6f', paid - now)}

-- Look whether one more job of an owner, who has come now, would pass a quota.
--
-- ARGV  1 the owner   2 JSON: the quotas   3 the time now, Unix seconds
--
-- Gives {quota, what is taken of it}; or {} when it would pass none.
return new_guard(cjson.decode(ARGV[2]), ARGV[1], ARGV[3])(day_at(ARGV[3]), 1, 1) or {}

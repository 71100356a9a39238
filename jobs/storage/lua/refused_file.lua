-- Find the row of a file that was refused, of a batch, and came by itself.
--
-- ARGV  1 the batch's id   2 the path under which it was sent   3 the digest of its content
--
-- Gives the row's id; or nothing.
local row = find_row_of_refused(key('batch', ARGV[1]), {path = ARGV[2], digest = ARGV[3], source = ''}, true)
return row and row.id

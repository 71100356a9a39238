"""What happens to jobs, batches and keys: a file a verb.

Each says its order once, why that order, and what a crash between two steps leaves behind. What cuts across
(counting, the journal) hangs on the verbs here and nowhere else. All take the Stores; all raise
redis.RedisError when Redis is away, and Unavailable when the blob store is.

open    a batch: opened, renamed, closed
accept  files and questions become jobs
cancel  jobs, or all of a batch, are not to be answered
retry   failed jobs, or all of a batch, run again
delete  a batch goes, with all that belongs to it
settle  what a mark on a batch has left to do
keys    a key is made, ended, put in another's place
expose  web is opened to others than this machine
"""

from jobs.flow.accept import accept_single as accept_single
from jobs.flow.accept import accepting as accepting
from jobs.flow.cancel import cancel_batch as cancel_batch
from jobs.flow.cancel import cancel_job as cancel_job
from jobs.flow.delete import delete_batch as delete_batch
from jobs.flow.keys import add_key as add_key
from jobs.flow.keys import revoke_key as revoke_key
from jobs.flow.keys import rotate_key as rotate_key
from jobs.flow.open import close_batch as close_batch
from jobs.flow.open import open_batch as open_batch
from jobs.flow.open import rename_batch as rename_batch
from jobs.flow.retry import retry_batch as retry_batch
from jobs.flow.retry import retry_job as retry_job

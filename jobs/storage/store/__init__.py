"""Jobs and batches in Redis, and every change of their state.

job_store  JobStore: all of it
base       what its parts stand on
records    how Redis keeps a record
rows       jobs as the API shows them, straight from their records
batches    batches, and what happens to all jobs of one at once
jobs       jobs: made, read, moved from state to state
results    a batch's jobs in the order they came
removals   what is removed for good
adoptions  what is nobody's becomes an owner's
quotas     what is said when work would pass one
"""

from jobs.storage.store.job_store import JobStore as JobStore

"""Where everything is kept. Only this room speaks with Redis and with the object store.

stores      all of them, connected once
connection  the way to Redis
scripts     loads the Lua scripts that make each change one step
lua/        these scripts
records     how Redis keeps a record
store       JobStore: jobs, batches, and every change of state
base        what its parts stand on
batches     batches, and what happens to all jobs of one at once
jobs        jobs: made, read, moved from state to state
results     a batch's jobs in the order they came
removals    what is removed for good
feed        what happened in a batch: changes, and how many jobs ended when
listing     all batches, the latest change first
queue       how deep the queue is, and whether each open job has a ticket
fleet       which workers are up
blobs       objects in a folder or a bucket
journal     what was accepted and answered, in the blob store
image_uses  who needs an image
responses   responses kept under an Idempotency-Key
signing     the key that share links are signed with
restarts    whether Redis was started anew
turn        whose turn it is to keep house
"""

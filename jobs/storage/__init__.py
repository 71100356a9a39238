"""Where everything is kept. Only this room speaks with Redis and with the object store.

stores        all of them, connected once
connection/   the way to Redis
scripts       loads the Lua scripts that make each change one step
lua/          these scripts
store         jobs and batches, and every change of their state
feed          what happened in a batch: changes, and how many jobs ended when
access/       who may do what, and what they did
ledger        what owners have taken, by day
listing       all batches, the latest change first
queue         how deep the queue is, and whether each open job has a ticket
leases        who holds a ticket, and for how long without a word
fleet         which workers are up
blobs         objects in a folder or a bucket
rights        who may read what we write
journal       what was accepted and answered, in the blob store
image_uses    who needs an image
responses     responses kept under an Idempotency-Key
restarts      whether Redis was started anew
turn          whose turn it is to keep house
unreadable    what is kept and cannot be read: counted, said, passed over
"""

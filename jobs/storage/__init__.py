"""Where everything is kept. Only this room speaks with Redis and with the object store.

stores        all of them, connected once
address       REDIS_URL, read
certificates  the files of certificates that it names
connection    the way to Redis
scripts       loads the Lua scripts that make each change one step
lua/          these scripts
store         jobs and batches, and every change of their state
feed          what happened in a batch: changes, and how many jobs ended when
keys          API keys, in the blob store and in Redis
shares        links to batches, in the journal and in Redis
signing       the key that sign-ins under way are signed with
sessions      who is signed in with a browser
ownership     whose a job or a batch is
ledger        what owners have taken, by day
pace          how often somebody may do something
listing       all batches, the latest change first
queue         how deep the queue is, and whether each open job has a ticket
fleet         which workers are up
blobs         objects in a folder or a bucket
rights        who may read what we write
audit         who did what to what, in the blob store
journal       what was accepted and answered, in the blob store
image_uses    who needs an image
responses     responses kept under an Idempotency-Key
restarts      whether Redis was started anew
turn          whose turn it is to keep house
unreadable    what is kept and cannot be read: counted, said, passed over
"""

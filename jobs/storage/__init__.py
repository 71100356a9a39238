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
tickets/      what waits for each open job, and who holds it
fleet         which workers are up
files/        objects in a folder or a bucket, and the journal in them
image_uses    who needs an image
wire          pieces of answers while they are said
responses     responses kept under an Idempotency-Key
readings      which line of a file is being read, and at which ones processes have died
restarts      whether Redis was started anew
lives         how that is told
knowledge     whether Redis knows all that the journal has
turn          whose turn it is to keep house
unreadable    what is kept and cannot be read: counted, said, passed over
"""

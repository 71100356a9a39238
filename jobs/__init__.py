"""What web and worker agree on, and all that they share.

    contract   what a job, a batch, a setting, an error and a name is; imports nothing of ours
    formats    what a file of an image is, from its bytes; decodes nothing
    shape      what an answer has to be: fields and schemas, their grammar and the table they make
    storage    where they are kept: Redis, the blob store, the queue
    flow       what happens to them: accept, cancel, retry, delete
    log        what a line of the log looks like, and what it never says
    upkeep     what nobody asks for and has to be done: lost tickets, old batches, a Redis that forgot

contract ← storage ← flow ← upkeep, contract ← formats, contract ← shape. Imports no Flask, torch or Pillow.
"""

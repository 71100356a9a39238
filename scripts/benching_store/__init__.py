"""How fast the store and web are, and how much memory a job takes: on a real Redis, by a real web.

servers  both, as processes, and the stores that speak with the same Redis
load     realistic batches
options  what is measured, and with how many jobs
timing   how long calls take

Each of these measures one part, and yields its lines of the table:

memory   bytes of Redis for a queued job
create   jobs created and queued by one process
export   rows of JSONL
pages    a page of results and a batch's view, of small and of large batches
verbs    cancel, retry and delete of a whole batch; what they leave to housekeeping
copies   a batch's keys saved and restored, so that a verb can be repeated
upload   `eva01 submit` of a folder of photos
requests a file of requests, as OpenAI's clients send it

`scripts/bench_store --write` measures all of it, in about an hour on two cores.
"""

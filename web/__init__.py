"""The HTTP side: the page, the API, uploads, exports, metrics. Knows `jobs`, and no model.

app          create_app: puts the rest together
server       gunicorn in one process with threads (`python -m web`)
services     what handlers work with: store, queue, blobs, fleet, limits
single       POST /analyze and /api/jobs; a further question; cancel and retry one job
one_job      one job, its image, its thumbnail
batches      batches and their files
progress     how far a batch is
shared       a batch for others to read, behind a link
results      a batch's results: a page, or all of them as a file
status       models, status, health, readiness, metrics
docs         /openapi.json and /docs
pages        the page for people

schemas      what requests hold and responses promise, as OpenAPI shows it
asking       model, question and options of a request, checked
spool        the files of a request, on disk while it is answered
paths        the path a file came under
images       what a file is, from its header
uploads      a file into the blob store
intake       files and zips into a batch
known        files that are here already, told by their hashes
retry        failed jobs run again
zips         the entries of a zip, one by one, none of them trusted
shares       those links: made, and read again
exports      jobs as lines of CSV and JSONL
sheets       jobs as a workbook
texts        answers as a zip of text files
problems     every error as problem JSON
conditional  ETag, If-None-Match, Retry-After
idempotency  Idempotency-Key
security     headers that every response carries
metrics      counters, and the queue's gauges at each scrape
"""

"""The calls of the HTTP API.

questions     POST /analyze and /api/jobs; a further question; cancel and retry one job
job           one job, its image, its thumbnail
batches       batches and their files
progress      how far a batch is
results       a batch's results: a page, or all of them as a file
sharing       links to a batch
shared_batch  what can be read behind such a link
keys          API keys, for admins; who asks
status        models, status, health, readiness, metrics
queue_gauges  the queue, for Prometheus
docs          /openapi.json and /docs
blueprint     calls that take a form as it was sent
times         times in requests
audit         who did what to what, for admins
usage         what owners have taken
schemas       the models of requests and responses
"""

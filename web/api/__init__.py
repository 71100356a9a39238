"""The calls of the HTTP API.

questions      POST /analyze and /api/jobs; a further question; cancel and retry one job
job            one job, its image, its thumbnail
batches        batches and their files
progress       how far a batch is
results        a batch's results: a page, or all of them as a file
shared_batch   a batch for others to read, behind a link
share_tokens   the signed tokens in those links
status         models, status, health, readiness, metrics
usage          what owners have taken
queue_gauges   the queue, for Prometheus
docs           /openapi.json and /docs
blueprint      calls that take a form as it was sent
numbers        numbers in requests
schemas        the models of requests and responses
schemas_usage  those of usage
"""

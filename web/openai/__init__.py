"""What clients of OpenAI's API find here: the same calls under /v1, answered by the same queue and workers.

calls       GET /v1/models, POST /v1/chat/completions, POST /v1/responses
bulk        /v1/files and /v1/batches
parameters  what may be said in a request, and what of it is refused by name
request     a request, read
content     its messages as turns, and the images in them
endpoints   what answers requests, and how
answering   a request becomes a job, and its answer the response
ended       whether the job has ended
following   an answer while it is made
stream      the same as server-sent events
chat        how chat completions look
responses   how responses look
document    what /openapi.json says of all that
envelope    errors as OpenAI's clients read them
"""

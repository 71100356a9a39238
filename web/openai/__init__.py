"""What clients of OpenAI's API find here: the same calls under /v1, answered by the same queue and workers.

calls       GET /v1/models, POST /v1/chat/completions
bulk        /v1/files and /v1/batches
parameters  what may be said in a request for a completion, and what of it is refused by name
request     a request for a completion, read
content     its messages as turns, and the images in them
completion  a finished job as a completion
ended       whether the job has ended
following   an answer while it is made
stream      the same as server-sent events
envelope    errors as OpenAI's clients read them
"""

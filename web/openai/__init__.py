"""What clients of OpenAI's API find here: the same calls under /v1, answered by the same queue and workers.

calls       GET /v1/models, POST /v1/chat/completions
files       /v1/files: files of requests, and what came of them
batches     /v1/batches: batches that are made of a file
parameters  what may be said in a request for a completion, and what of it is refused by name
request     a request for a completion, read
content     its messages as turns, and the images in them
completion  a finished job as a completion
batch       a batch as a client reads it
output      its answers and errors, line by line
listing     lists, a page at a time
lines       a file of requests, line by line
filling     one batch whose lines become jobs
filler      the thread that sees to all of them
envelope    errors as OpenAI's clients read them
"""

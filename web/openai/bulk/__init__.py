"""Files of requests and the batches that are made of them.

files    the calls for files: what batches are made of, and what came of them
expiry   when they are to go
batches  the calls for batches
batch    a batch as a client reads it
output   its answers and errors, line by line
listing  lists, a page at a time
lines    a file of requests, line by line
asker    whoever ordered one, and whether they may still ask
fetches  images at addresses that lines name
making   one line as a job
filling  one batch whose lines become jobs
filler   the thread that sees to all of them
"""

"""The commands that speak with a server.

submit   images in, answers out
order    a file of requests in, files of answers and errors out
batches  status, results, cancel, retry, delete
share    links for others to read a batch
models   what can be asked
usage    what was taken
options  what several commands share
"""

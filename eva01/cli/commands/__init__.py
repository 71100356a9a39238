"""The commands that speak with a server.

submit   images in, answers out
batches  status, results, cancel, retry, delete
models   what can be asked
usage    what was taken
options  what several commands share
"""

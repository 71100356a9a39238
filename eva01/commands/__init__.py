"""The command's groups.

up         everything on this machine
parts      web or a worker alone
submit     images in, answers out
batches    status, results, cancel, retry
models     what can be asked
options    what several commands share
"""

"""The commands that need the server's code here.

up       everything on this machine
parts    web or a worker alone
restore  Redis again, from the blob store
settings  what cannot be used, said
"""

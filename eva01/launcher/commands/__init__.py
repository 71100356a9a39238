"""The commands that need the server's code here.

up       everything on this machine
parts    web or a worker alone
restore  Redis rebuilt from the blob store
adopt    what belongs to nobody becomes an owner's
stores   the stores that a command works on
settings  a bad setting as an error message of the command
"""

"""The commands that need the server's code here.

up        everything on this machine
parts     web or a worker alone
restore   Redis rebuilt from the blob store
adopt     what belongs to nobody becomes an owner's
keys      API keys
settings  a bad setting as an error message of the command, and its log
times     days and times in options
stores    the stores that a command works on
"""

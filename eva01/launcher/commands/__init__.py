"""The commands that need the server's code here.

up        everything on this machine
parts     web or a worker alone
restore   Redis rebuilt from the blob store
keys      API keys
settings  a bad setting as an error message of the command
stores    stores that do not answer as an error message of the command
"""

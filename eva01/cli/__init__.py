"""The command.

main        `eva01`, its exit codes, its last words
commands    a file a group of commands
installed   commands that the server brings
submission  send, wait, show: what `submit` and `up` share
unsent      what could not be sent, as rows of the results
progress    how far it is
tables      what a person sees
errors      what the command itself cannot do
text        words and numbers for people
"""

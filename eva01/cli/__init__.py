"""The command.

main        `eva01`, its exit codes, its error messages
commands    one file for each group of commands
installed   commands that the server brings
submission  send, wait, show: what `submit` and `up` share
unsent      what could not be sent, as rows of the results
formulas    texts that a spreadsheet would take for a formula
progress    how far a batch is
durations   times as people write them
pixels      at how many pixels images are seen: as people write it, and what it costs
tables      answers, batches and models as tables for people
errors      the command's own errors
text        words and numbers for people
"""

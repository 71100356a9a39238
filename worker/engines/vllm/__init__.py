"""A model by vLLM: its asynchronous engine, in this process and its children.

engine      the engine: what a worker knows of all this
arguments   what vLLM's engine is told, from the settings
parameters  what it is told of one answer, and what of that it cannot do
core        vLLM itself: nothing else imports it
tether      ends what vLLM has started when the worker is gone
requests    the jobs that it has, as a rolling batch
line        which job goes there next
shares      how much of it each job took
owned       prompts that have nothing in common with those of other owners
gathered    what it says, token by token
"""

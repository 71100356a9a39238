"""All parts on this machine.

up            everything, in one terminal
plan          which parts, with which settings
supervisor    starts them, starts them again, stops them
child         one of them
tether        ends it when we die
redis_server  the Redis to use, found or started
hardware      what this machine has
ports         what is free
lock          one `up` a data folder
interrupts    signals as facts to look at
commands      `up`, `web`, `worker`, `restore`
"""

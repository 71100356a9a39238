"""All parts on this machine.

up            everything, in one terminal
plan          which parts, with which settings
supervisor    starts the parts, restarts those that die, stops them
child         the process of one part
tether        kills a child when its parent dies
redis_server  the Redis to use, found or started
redis_password  its password, where it is started
own_key       the key with which a folder is sent
private       files that nobody else reads
environment   what each part gets of our environment
hardware      what this machine has
memory        whether models fit into it together
weights       how much of it a model's weights take
ports         free ports
lock          at most one `up` for a data folder
interrupts    signals as flags to poll
commands      `up`, `web`, `worker`, `restore`, `adopt`, `keys`
"""

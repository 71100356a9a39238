"""The command `eva01`, and the Python client.

    client         Client: a server's API as methods
    transport        one HTTP call, sent until it succeeds or patience ends
    multipart        a form read from disk while it is sent
    uploads          many files in several requests at a time
    files            the images a user means
    models, errors   what comes back, and what can go wrong
    cli            the command; `commands/` has a file a group
    submission       send, wait, show: what `submit` and `up` share
    progress, tables, text    what a person sees
    up             `eva01 up`: all parts on this machine, in one terminal
    plan             which parts, with which settings
    supervisor       starts them, starts them again, stops them
    child, tether    one of them, which never outlives us
    redis_server     the Redis to use, found or started
    hardware, ports, lock    what is here, and what is free

Starts web and worker as programs of their own and imports neither.
"""

from eva01.client import Client as Client
from eva01.errors import ClientError as ClientError
from eva01.models import Batch as Batch
from eva01.models import Job as Job

"""The command `eva01`, and the Python client.

client    a server's API as methods; imports nothing of ours
cli       the command, and what a person sees of it
launcher  all parts on this machine: `eva01 up`, `web`, `worker`, `restore`, `adopt`; comes with the server
version   the one number of a release, read by both distributions
"""

from eva01.client.address import Address as Address
from eva01.client.client import Client as Client
from eva01.client.errors import ClientError as ClientError
from eva01.client.files import Together as Together
from eva01.client.groups import GroupBy as GroupBy
from eva01.client.models import Batch as Batch
from eva01.client.models import Job as Job

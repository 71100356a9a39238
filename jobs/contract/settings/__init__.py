"""The environment, read once at the edge, into frozen objects that are passed inward.

`MODEL_NAME`, `MAX_PIXELS` and `REDIS_URL` mean what they mean everywhere; every other variable is
its field's name in upper case behind `EVA01_`. docs/configuration.md lists them all.

environment  how fields are read from it, and what is said of those that cannot be used
shared       what both sides need
limits       what is refused, and where the line is
up           what `eva01 up` needs
web          what the page and the API need
worker       what a worker needs
"""

from jobs.contract.settings.environment import MIB as MIB
from jobs.contract.settings.environment import BadSetting as BadSetting
from jobs.contract.settings.limits import MOST_FIELDS as MOST_FIELDS
from jobs.contract.settings.limits import MOST_IMAGES as MOST_IMAGES
from jobs.contract.settings.limits import Limits as Limits
from jobs.contract.settings.shared import Settings as Settings
from jobs.contract.settings.up import UpSettings as UpSettings
from jobs.contract.settings.web import LONGEST_SESSION_HOURS as LONGEST_SESSION_HOURS
from jobs.contract.settings.web import WebSettings as WebSettings
from jobs.contract.settings.worker import LEAST_PIXELS as LEAST_PIXELS
from jobs.contract.settings.worker import MOST_SLOTS as MOST_SLOTS
from jobs.contract.settings.worker import READY_OF_LATE_S as READY_OF_LATE_S
from jobs.contract.settings.worker import WorkerSettings as WorkerSettings

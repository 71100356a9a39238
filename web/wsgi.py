"""The app for any WSGI server."""

import logging

from jobs import log
from jobs.contract.settings import Settings
from jobs.storage.files.rights import keep_private
from web.app import create_app

settings = Settings.read()
log.set_up(settings.log)
if said := keep_private(settings):
    logging.getLogger(__name__).warning("%s", said)
app = create_app(settings)

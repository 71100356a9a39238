"""The app for any WSGI server."""

from jobs.contract.settings import Settings
from jobs.storage.rights import keep_private
from web.app import create_app

keep_private(Settings.read())
app = create_app()

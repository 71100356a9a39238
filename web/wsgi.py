"""The app for any WSGI server."""

from web.app import create_app

app = create_app()

"""The HTTP side: the page, the API, uploads, exports, metrics. Knows `jobs`, and no model.

app       create_app: puts the rest together
server    gunicorn in one process with threads (`python -m web`)
wsgi      the app for any WSGI server
services  what handlers work with: stores, queue, limits
api       the calls of the API
intake    what comes in: questions, files, zips
export    what goes out: CSV, JSONL, workbooks, texts
http      what all responses have in common
pages     the pages for people: views, languages, templates, scripts
"""

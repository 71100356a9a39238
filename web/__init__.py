"""The HTTP side: the page, the API, uploads, exports, metrics. Imports `jobs`, and nothing that runs a model.

app       create_app: builds the WSGI app from the rest
server    gunicorn, and the process that serves (`python -m web`)
front     connections, which wait without a thread
wsgi      the app for any WSGI server
services  what handlers work with: stores, queue, limits
api       the calls of the API
access    who asks, and what they may do
intake    what comes in: questions, files, zips
fetch     images from addresses that users name, where that is allowed
export    what goes out: CSV, JSONL, workbooks, texts
openai    the calls of OpenAI's API
http      what all responses have in common
pages     the pages for people: views, languages, templates, scripts
"""

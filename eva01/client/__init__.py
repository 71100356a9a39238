"""A server's API as methods. Imports nothing of ours.

client      Client
transport   one HTTP call, sent until it succeeds or patience ends
tls         the certificates that are believed, where any are needed
key         the key that goes with each call, and where it is found
forms       the forms in which images are sent
multipart   a form read from disk while it is sent
orders      batches that are made of a file of requests
uploads     many files in several requests at a time
files       the images a user means
given       what a program gives, as what it means
groups      which of them make one job
address     an image that the server fetches
folders     walks a folder
beginnings  how images begin
kinds       what lies beside the images
wishes      how answers are to be
models      what comes back
errors      what can go wrong
"""

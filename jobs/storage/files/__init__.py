"""What is kept in a folder or a bucket.

blobs    objects behind one address
journal  what was accepted and answered, so that Redis can be rebuilt from it
sent     files of requests that were sent to be read later
orders   batches that are made of one
texts    what pages of PDFs hold as text
rights   who may read what we write
"""

"""What comes in, checked before anything is kept.

asking     model, question and options of a request
spool      the files of a request, on disk while it is answered
paths      the path a file came under
headers    what a file is, from its header
zips       the entries of a zip, one by one, none of them trusted
zip_names  what they are called
encodings  what names are written in that do not say it
uploads    a file into the blob store
files      files and zips into a batch
known      files that are here already, told by their hashes
outcomes   what became of a file, as the API shows it
"""

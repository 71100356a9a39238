"""What comes in, checked before anything is kept.

asking       model, question and options of a request
wishes       how answers are to look
forms        a form, also one that is not written as it should be
fingerprint  whether a request that is sent again is the same
spool        the files of a request, on disk while it is answered
budget       what looking at a request's files may cost
names/       what files are called
headers      what a file is, from its header
zips/        the files of a zip, none of them trusted
fetching     images whose addresses were sent in their place
uploads      a file into the blob store
single       a question about files of a request, as one job
grouping     which files make one job
files        files and zips into a batch
known        files that are here already, told by their hashes
outcomes     what became of a file, as the API shows it
"""

"""The life of one job in its slot.

answering    from the ticket to the stored answer
ending       stores what came of a job, or queues it again
patience     waits for Redis
prompt       the words around each question
suspects     which jobs may begin beside each other, and which alone
logprobs     keeps how likely each token of an answer was
cache        reuses an earlier answer to the same image and recipe
precedence   single questions have the cores first
preparation  fetch, decode and see an image
in_flight    makes once what several slots need at the same time
decode/      bytes to an upright RGB image, or a reason
telling      says answers while they are made
pages        what is kept of images and their pages, and one answer for all of them
places       where lines stand, in pixels of the original
texts        the text that pages of PDFs hold
thumbnails   the small versions that galleries show
"""

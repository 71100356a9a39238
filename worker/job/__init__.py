"""The life of one job in its slot.

answering    from the ticket to the stored answer
cache        reuses an earlier answer to the same image and question
preparation  what is done to an image before it is asked about
in_flight    what several slots need at the same time
decode       bytes to an upright RGB image, or a reason
thumbnails   the small versions that galleries show
"""

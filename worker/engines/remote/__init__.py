"""Asks another server, which speaks OpenAI's API, for answers.

engine    the engine: what a worker knows of all this
pictures  images as they are sent
asking    what a request says
habits    what of that a server turned out not to take
calls     the requests under way, as a rolling batch
servers   which server is asked, and which are away
server    one of them: how it is reached
errors    what a server's failure means for a job
said      what a server says, part by part
answers   makes an answer of it
"""

"""What stands between sockets and the WSGI app: waits for slow connections without a thread.

connection ──head──body──► call, in a thread ──piece──► connection ──taken──► call, for the next piece …

front       what all connections share: the app, its threads, how many there may be; where they begin and end
connection  one connection: a request after the other, each step with its deadline
head        the first lines of a request
framing     where a body ends: by its length, or in chunks
body        where a body is kept until the app reads it
call        one call of the app, step by step
turns       whose next step has a thread
left        what is left to send to a slow reader
answers     what is answered without the app
open_files  how many files and connections the process may have open
"""

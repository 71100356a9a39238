"""Tickets: what waits in a queue for each open job, and who holds it.

queue      how deep the queue is, and whether each open job has a ticket
leases     who holds a ticket, and for how long without a word
abandoned  tickets that nobody holds any more
"""

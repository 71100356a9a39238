"""Messages: when a worker takes one, keeps it, gives it back.

celery_app  where a worker's tickets come from, and how it holds them
address     Redis as Celery's broker
channel     kombu's channel, made patient with a Redis that refuses
tickets     what a message has to be, to be a ticket
unreadable  what is none, put aside
slots       the threads that hold jobs, and when they take one
in_hand     the tickets that slots work on, whatever becomes of a connection
lease       renews the lease on held messages while the worker lives
"""

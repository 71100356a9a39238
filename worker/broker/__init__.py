"""Messages: when a worker takes one, keeps it, gives it back.

slots  Celery: the threads that hold jobs, and when they take one
lease  what a worker holds stays its own while it lives
"""

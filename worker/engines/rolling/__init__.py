"""The rolling batch: one loop that decodes a step at a time, and a place that is free is filled at once.

rows       what waits, what is in flight, and what came of it
cache      the keys and values of all rows in flight
admission  who is next, and whether it fits
prefill    an image and its question into a place of the cache
step       one token more for every row in flight
loop       admission, prefill, step and release, turn by turn
"""

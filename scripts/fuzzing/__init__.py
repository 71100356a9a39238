"""Damaged files, sent and decoded.

originals  a small whole file of every format and variant
damage     what is done to them
sending    web takes them: each has a row, or is refused by name
decoding   a worker decodes what web took, in a process that may die
"""

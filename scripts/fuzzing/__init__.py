"""Damaged files, sent and decoded, and requests that are made to be costly.

originals  a small whole file of every format and variant
damage     what is done to them
sending    web takes them: each has a row, or is refused by name
costly     requests that are made to cost web much
costing    what each of these takes of its CPU and memory
decoding   a worker decodes what web took, in a process that may die
"""

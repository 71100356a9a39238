"""Damaged files, sent by every door and decoded, and requests that are made to be costly.

originals  a small whole file of every format and variant
pdfs       PDFs that are made to be trouble: that go round, or are deeper or larger than can be
damage     what is done to them
doors      web and the command take them: each has a row, or is refused by name
tally      what became of those that came by one door
costly     requests that are made to cost web much
costing    what each of these takes of its CPU and memory
decoding   a worker decodes them, in a process that may die; is another picture seen, without a word?
meter      what a process takes of CPU and memory
"""

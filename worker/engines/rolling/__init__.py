"""The rolling batch: one loop that decodes a step at a time, and a place that is free is filled at once.

rows       what waits, what is in flight, and what came of it
admission  who is next, and whether it fits
prefill    images and questions to embeddings, several images together
cache      the keys and values of all rows in flight
attention  what each token looks at in a step
step       new prompts, and one token more for every row in flight, in one pass
penalty    tokens that a model is told to repeat less
loop       admission, prefill, step and release, turn by turn
setup      whether a model can answer so, and the loop for one that can
answers    the loop as the worker knows it: prepared jobs in, answers out
"""

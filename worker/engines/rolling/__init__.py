"""The rolling batch (continuous batching): one token a step for all rows, and a free row is filled at once.

rows       a request, its row while it is in flight, and its outcome
admission  which request is next, and whether the cache has room for it
families   what differs between the families of models
prefill    turns images and questions into embeddings, several images together
cache      the keys and values of all rows in flight
masks      which tokens each token of a step attends to
attention  the attention of a step
step       new prompts, and one token more for every row in flight, in one pass
penalty    the repetition penalty
loop       admission, prefill, step and release, turn by turn
setup      whether a model can answer so, and the loop for one that can
answers    the loop as the worker knows it: prepared jobs in, answers out
"""

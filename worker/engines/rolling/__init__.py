"""The rolling batch (continuous batching): one token a step for all rows, and a free row is filled at once.

rows       a request, its row while it is in flight, and its outcome
flight     the rows in flight, and the blocks of the cache that they hold
admission  which request is next, and whether the cache has room for it
families   what differs between the families of models
prefill    turns images and questions into embeddings, several images together
prefixes   what prompts begin with in common, which is read once
pool       the keys and values of all rows in flight, in blocks
passing    one pass of the decoder: where its tokens are kept
past       what rows that write attend to, gathered or where it is; which tokens each token sees
attention  the attention of a pass
step       parts of prompts, and one token more for every row that writes, in one pass
captured   steps that are recorded once and run again: CUDA graphs
penalty    the repetition penalty
loop       admission, prefill, step and release, turn by turn
setup      whether a model can answer so, and the loop for one that can
answers    the loop as the worker knows it: prepared jobs in, answers out
"""

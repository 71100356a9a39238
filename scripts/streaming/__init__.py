"""How soon what a model says is heard, and what saying it costs.

speaker    a worker whose rows say what time it is
listeners  clients that compare it with their own
cost       a step of the rolling batch with listeners and without
__main__   all of it, as a table
"""

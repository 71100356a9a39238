"""An engine without a model, and what a worker has around it.

engine     it answers with the images' sizes and the question, or fails as the question says
rolling    the same as a rolling batch
worker     a worker's process around it
processes  such workers and their Redis
slot       a worker's slot around it
outcomes   what a slot gets for its job
preparing  both steps of an engine on the CPU as one
"""

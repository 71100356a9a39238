"""What every process must agree on. Imports nothing of ours.

models     Job, Batch, Result, WorkerInfo: what they are
catalog    the models a user may pick, and what each can do
images     what may be sent as an image, and why one is refused
names      queues, the task, every Redis key and blob path
settings   the environment, read once
errors     one tree; each class says what to do about it
metrics    the counters that web and worker share
version    which EVA-01 this is
"""

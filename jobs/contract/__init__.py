"""What every process must agree on. Imports nothing of ours.

base       what all values have in common
models/    Job, Batch, Result, WorkerInfo: what they are
asking/    what may be asked of a model beyond the question
saying/    what is said of an answer beyond its text
access/    whose things are, and who may do what
catalog    the models a user may pick, and what each can do
catalog_file/  the file in which people list models of their own
names      queues, the task, every Redis key and blob path, and a page's path
hosts      names and addresses of machines, as addresses and settings have them
settings/  the environment, read once
errors     what can go wrong, in one tree; each class says what kind it is
codes      the stable code of each error: its HTTP status, whether a retry helps, its sentence for people
faults     what is wrong with a value, as people are told of it
discreet   what a stranger may hear of an error that nobody foresaw
refusals   what a Redis that is there refuses
chunks     many things, some at a time
sizes      how many bytes something has, for people
sums       what was done, in numbers that add up
subject    what a response speaks of
seldom     how often something is said in the log
metrics    the counters that web and worker share
version    which EVA-01 this is
"""

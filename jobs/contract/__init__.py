"""What every process must agree on. Imports nothing of ours.

base       what all values have in common
models     Job, Batch, Result, WorkerInfo: what they are
several    what is shown of each image of a job that has several
groups     which files make one job, told by their paths
response_format  what an answer has to be, as OpenAI's API says it
logprobs   how likely the tokens of an answer were, as OpenAI's API says it
access/    whose things are, and who may do what
pixels     how many pixels of an image a model sees, where one may choose
catalog    the models a user may pick, and what each can do
lines      where the lines of an answer stand on its pages
names      queues, the task, every Redis key and blob path, and a page's path
hosts      names and addresses of machines, as addresses and settings have them
settings   the environment, read once
errors     what can go wrong, in one tree; each class says what kind it is
resolution  whether a model reads at the resolution that is asked for
codes      the stable code of each error: its HTTP status, whether a retry helps, its sentence for people
discreet   what a stranger may hear of an error that nobody foresaw
refusals   what a Redis that is there refuses
chunks     many things, some at a time
sums       what was done, in numbers that add up
subject    what a response speaks of
seldom     how often something is said in the log
metrics    the counters that web and worker share
version    which EVA-01 this is
"""

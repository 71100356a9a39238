"""What web and worker agree on, and all that they share.

    models      Job, Batch, Result, WorkerInfo: what they are
    catalog     the models a user may pick, and what each can do
    names       queues, the task, every Redis key and blob path
    settings    the environment, read once
    errors      one tree; each class says what to do about it
    store       JobStore: jobs, batches, and every change of state
    batch_feed  what happened in a batch: changes, and how many jobs ended when
    batch_list  all batches, the latest change first
    fleet       which workers are up
    blobs       images in a folder or a bucket
    queue       the Celery app; put a job in, see how deep it is
    version     which EVA-01 this is

Imports neither Flask nor torch nor Pillow.
"""

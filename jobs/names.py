"""Every name that two processes must agree on: queues, task, Redis keys, blob paths.

Imports nothing of ours. A name is never built anywhere else.
"""

#: The one Celery task: answer the job with this id.
TASK_ANSWER = "eva01.answer"

#: Where each worker's heartbeat lives: a sorted set of worker ids by the time of their last beat.
WORKERS = "eva01:workers"
#: What each model that ever had a worker can do: a hash from model name to its ModelCard as JSON.
MODELS = "eva01:models"


def interactive_queue(model: str) -> str:
    """The list for single questions that a person is waiting for; served before `bulk_queue`."""
    return f"eva01:{model}:interactive"


def bulk_queue(model: str) -> str:
    """The list for jobs of batches."""
    return f"eva01:{model}:bulk"


def held_key(model: str) -> str:
    """The hash of messages that this model's workers hold: KEDA adds its length to the waiting ones."""
    return f"eva01:{model}:held"


def held_index_key(model: str) -> str:
    """The sorted set of held messages by the time they were taken or last renewed."""
    return f"eva01:{model}:held_index"


def held_mutex_key(model: str) -> str:
    """The lock of kombu's sweep for abandoned messages."""
    return f"eva01:{model}:held_mutex"


def finishes_key(model: str) -> str:
    """The list of the model's latest finish times, newest first: what its rate is computed from."""
    return f"eva01:{model}:finishes"


def worker_key(worker_id: str) -> str:
    """One worker's own description, which expires when it stops beating."""
    return f"eva01:worker:{worker_id}"


def job_key(job_id: str) -> str:
    """The hash with one job's record."""
    return f"eva01:job:{job_id}"


def batch_key(batch_id: str) -> str:
    """The hash with one batch's record and its counters by state."""
    return f"eva01:batch:{batch_id}"


def batch_jobs_key(batch_id: str) -> str:
    """The sorted set of all job ids of a batch, in the order they arrived."""
    return f"eva01:batch:{batch_id}:jobs"


def batch_state_key(batch_id: str, state: str) -> str:
    """The sorted set of the batch's jobs in one state, in the order they arrived."""
    return f"eva01:batch:{batch_id}:jobs:{state}"


def batch_files_key(batch_id: str) -> str:
    """The hash from a file's path to its job's id: a file sent again makes no second job."""
    return f"eva01:batch:{batch_id}:files"


def batch_finishes_key(batch_id: str) -> str:
    """The list of the latest finish times, newest first: what the batch's rate is computed from."""
    return f"eva01:batch:{batch_id}:finishes"


def idempotency_key(digest: str) -> str:
    """The response remembered for one `Idempotency-Key`."""
    return f"eva01:idempotency:{digest}"


def image_path(sha256: str) -> str:
    """Where an image's bytes lie in the blob store."""
    return f"images/{sha256}"

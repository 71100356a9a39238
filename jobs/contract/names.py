"""Every name that two processes must agree on: queues, task, Redis keys, blob paths, pages.

Imports nothing of ours. A name is never built anywhere else.
"""

#: The one Celery task: answer the next job of the model.
TASK_ANSWER = "eva01.answer"

#: Where each worker's heartbeat lives: a sorted set of worker ids by the time of their last beat.
WORKERS = "eva01:workers"
#: What each model that ever had a worker can do: a hash from model name to its ModelCard as JSON.
MODELS = "eva01:models"
#: How long each model's last worker took to start, in seconds: a hash.
STARTS = "eva01:starts"
#: All batches, and all jobs without one: sorted sets of ids by the time of their last change.
BATCHES = "eva01:batches"
SINGLE_JOBS = "eva01:jobs"
#: Batches that were deleted and whose parts are still to be removed: a sorted set of ids by time.
REMOVALS = "eva01:removals"
#: Batches with jobs that are still to be settled after a change of all of them: a sorted set of ids by time.
UNSETTLED = "eva01:unsettled"
#: How many tickets were ever sent: a number.
TICKETS = "eva01:tickets"
#: Images that no job uses any more: a sorted set of hashes by the time that was noted.
UNUSED_IMAGES = "eva01:unused_images"
#: Uploads under way: a sorted set of `<hash>/<claim>` by the time they began.
IMAGE_CLAIMS = "eva01:image_claims"

#: Requests whose responses are kept: a sorted set of digests by the bytes of all that were kept before.
KEPT_RESPONSES = "eva01:kept_responses"

#: How many jobs without an end each owner has: a hash.
OPEN_JOBS = "eva01:open_jobs"
#: The days on which anybody took anything, as their numbers: a sorted set by the same.
USAGE_DAYS = "eva01:usage_days"

#: The folder of all batches in the journal.
BATCHES_FOLDER = "batches"
#: The folder of notes of deleted batches in the journal.
DELETED_FOLDER = "deleted"
#: The lock of the one web process that keeps house, and of the one that fills batches from files.
HOUSEKEEPER = "eva01:housekeeper"
FILLER = "eva01:filler"
#: The folder of files of requests in the blob store, of notes of batches that are made of one, and of those
#: that are to go earlier than all do.
SENT_FOLDER = "files"
ORDERS_FOLDER = "orders"
EXPIRING_FOLDER = "expiring"
#: Lies in the blob store where callers once had to say who they are.
LOGIN_PATH = "login.json"
#: Every API key by the digest of its text: a hash.
KEYS = "eva01:keys"
#: Their folder in the blob store.
KEYS_FOLDER = "keys"
#: The folder of all links to shared batches in the journal.
SHARES_FOLDER = "shares"
#: What sign-ins under way are signed with, where no setting says it.
SIGNING_KEY = "eva01:signing_key"
#: The folder of the audit trail in the blob store.
AUDIT_FOLDER = "audit"
#: Which Redis it was at the last look, and when that was: a hash.
SEEN = "eva01:seen"
#: Whether Redis knows all that the journal has: a word, and the id of who is finding out.
KNOWLEDGE = "eva01:knowledge"
#: In which life Redis is, where it does not say so itself: what tells it is a script of this text.
LIFE = "eva01:life"


def interactive_queue(model: str) -> str:
    """The list for single questions that a person is waiting for; served before `bulk_queue`."""
    return f"eva01:{model}:interactive"


def bulk_queue(model: str) -> str:
    """The list for jobs of batches."""
    return f"eva01:{model}:bulk"


def owners_key(model: str) -> str:
    """The sorted set of owners with queued jobs, by the turns they have had: the lowest is next."""
    return f"eva01:{model}:owners"


def singles_key(model: str) -> str:
    """The sorted set of queued jobs without a batch and an owner, oldest first."""
    return f"eva01:{model}:singles"


def owned_singles_key(model: str, owner: str) -> str:
    """The same of an owner's."""
    return f"{singles_key(model)}:{owner}"


def turns_key(model: str) -> str:
    """The sorted set of batches without an owner that have queued jobs, by the turns they have had."""
    return f"eva01:{model}:turns"


def owned_turns_key(model: str, owner: str) -> str:
    """The same of an owner's."""
    return f"{turns_key(model)}:{owner}"


def running_key(model: str) -> str:
    """The hash from a held ticket to the job that runs for it."""
    return f"eva01:{model}:running"


def held_key(model: str) -> str:
    """The hash of tickets that this model's workers hold: KEDA adds its length to the waiting ones."""
    return f"eva01:{model}:held"


def held_index_key(model: str) -> str:
    """The sorted set of held tickets by when they were taken or last renewed, in seconds of Redis' clock."""
    return f"eva01:{model}:held_index"


def unreadable_key(model: str) -> str:
    """The list of messages that came as this model's tickets and are none, the newest first."""
    return f"eva01:{model}:unreadable"


def finishes_key(model: str) -> str:
    """The list of the model's latest finish times, newest first: what its rate is computed from."""
    return f"eva01:{model}:finishes"


def ready_key(model: str) -> str:
    """The sorted set of this model's workers that are ready, by their last beat."""
    return f"eva01:{model}:ready"


def ready_of_late_key(model: str) -> str:
    """The sorted set 1 … n by when so many workers were last ready at once; KEDA takes its length."""
    return f"eva01:{model}:ready_of_late"


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


def batch_refused_key(batch_id: str) -> str:
    """The sorted set of the batch's failed jobs that no retry runs again, such as refused files."""
    return f"eva01:batch:{batch_id}:jobs:refused"


def batch_pending_key(batch_id: str, number: str) -> str:
    """A sorted set of jobs that are still to be settled after a change of all of them, by arrival."""
    return f"eva01:batch:{batch_id}:pending:{number}"


def batch_files_key(batch_id: str) -> str:
    """The hash from a file's name to its job's id: a file sent again makes no second job."""
    return f"eva01:batch:{batch_id}:files"


def batch_namesakes_key(batch_id: str) -> str:
    """The hash of files that are not called as they were sent (jobs/storage/lua/lib/names.lua)."""
    return f"eva01:batch:{batch_id}:namesakes"


def batch_finishes_key(batch_id: str) -> str:
    """The list of the latest finish times, newest first: what the batch's rate is computed from."""
    return f"eva01:batch:{batch_id}:finishes"


def batch_changes_key(batch_id: str) -> str:
    """The sorted set of a batch's jobs by the number of their last change."""
    return f"eva01:batch:{batch_id}:changes"


def batch_timeline_key(batch_id: str) -> str:
    """The hash that counts how many jobs came to an end when."""
    return f"eva01:batch:{batch_id}:timeline"


def batch_reading_key(batch_id: str) -> str:
    """Which line of its file is being read for a batch, and at which ones that ended the process, as JSON."""
    return f"eva01:batch:{batch_id}:reading"


def batch_shares_key(batch_id: str) -> str:
    """The set of the batch's links, by the digests of their tokens."""
    return f"eva01:batch:{batch_id}:shares"


def batch_responses_key(batch_id: str) -> str:
    """The set of the kept responses that speak of the batch, by the digests of their requests."""
    return f"eva01:batch:{batch_id}:responses"


def share_key(digest: str) -> str:
    """The hash of one link to a batch: its record, and when it was last used."""
    return f"eva01:share:{digest}"


def owner_batches_key(owner: str) -> str:
    """The sorted set of an owner's batches by the time of their last change."""
    return f"eva01:owner:{owner}:batches"


def said_channel(listener: str) -> str:
    """The channel on which a web process hears answers while they are said; it keeps nothing."""
    return f"eva01:said:{listener}"


def image_uses_key(sha256: str) -> str:
    """The set of what needs an image: ids of jobs without an owner, and claims of uploads under way."""
    return f"eva01:image:{sha256}"


def owned_image_uses_key(sha256: str) -> str:
    """The sorted set of owners' jobs that need an image, as `<owner>/<job>`, all of one score."""
    return f"eva01:image:{sha256}:owned"


def image_answers_key(sha256: str) -> str:
    """The hash from what was asked about an image, as a digest, to the latest job with the answer.

    That of an owner's is `<owner>/<digest>`.
    """
    return f"eva01:image:{sha256}:answers"


def image_deleter_key(sha256: str) -> str:
    """Who is deleting an image at the moment: until that is over, nobody claims it."""
    return f"eva01:image:{sha256}:deleter"


def session_key(digest: str) -> str:
    """One session, by the digest of its token."""
    return f"eva01:session:{digest}"


def sessions_key(owner: str) -> str:
    """The sorted set of an owner's sessions by the time they end."""
    return f"eva01:sessions:{owner}"


def usage_key(day: str) -> str:
    """The hash of what owners took on a day, which is a number of days since 1970 in UTC."""
    return f"eva01:usage:{day}"


def pace_key(digest: str) -> str:
    """When all that somebody did of late will be paid off (jobs/storage/lua/pace.lua), in Unix seconds."""
    return f"eva01:pace:{digest}"


def idempotency_key(digest: str) -> str:
    """The response remembered for one `Idempotency-Key`."""
    return f"eva01:idempotency:{digest}"


def image_path(sha256: str) -> str:
    """Where an image's bytes lie in the blob store."""
    return f"images/{sha256}"


def thumbnail_path(sha256: str, page: int = 1) -> str:
    """Where the small version of an image lies, or of a page of it, once a worker has made it."""
    return f"thumbs/{sha256}.webp" if page == 1 else f"{page_thumbnails_folder(sha256)}/{page}.webp"


def page_thumbnails_folder(sha256: str) -> str:
    """Where the small versions of an image's further pages lie."""
    return f"thumbs/{sha256}"


def text_path(sha256: str, page: int) -> str:
    """Where the text lies that a page of a PDF holds, once a worker has drawn it."""
    return f"{texts_folder(sha256)}/{page}.txt"


def texts_folder(sha256: str) -> str:
    """Where the texts of all pages of a PDF lie."""
    return f"texts/{sha256}"


def key_path(prefix: str) -> str:
    """Where a key's record lies in the blob store."""
    return f"{KEYS_FOLDER}/{prefix}.json"


def key_ends_folder(prefix: str) -> str:
    """Where all lies that was said of a key's end since it was made."""
    return f"{KEYS_FOLDER}/{prefix}"


def key_end_path(prefix: str, id_: str) -> str:
    """Where one of these lies: each is written once, so that none takes back another."""
    return f"{key_ends_folder(prefix)}/{id_}.json"


def share_path(digest: str) -> str:
    """Where a link's record lies in the journal."""
    return f"{SHARES_FOLDER}/{digest}.json"


def audit_path(hour: str, event_id: str) -> str:
    """Where an event of the audit trail lies; `hour` is of a day, in UTC, such as `2026-11-26/09`."""
    return f"{AUDIT_FOLDER}/{hour}/{event_id}.json"


def audit_begun_path(hour: str, event_id: str) -> str:
    """Where it lies before it is known what came of it; it sorts before the former."""
    return f"{AUDIT_FOLDER}/{hour}/{event_id}.begun.json"


def batch_folder(batch_id: str) -> str:
    """All that the blob store's journal keeps of a batch."""
    return f"{BATCHES_FOLDER}/{batch_id}"


def batch_path(batch_id: str) -> str:
    """Where a batch's record lies in the journal."""
    return f"{batch_folder(batch_id)}/batch.json"


def order_path(batch_id: str) -> str:
    """Where it lies what was asked of a batch that is made of a file."""
    return f"{batch_folder(batch_id)}/order.json"


def underway_path(batch_id: str) -> str:
    """Where the note lies that such a batch has lines or jobs to be seen to."""
    return f"{ORDERS_FOLDER}/{batch_id}"


def expiring_path(batch_id: str) -> str:
    """Where the note lies that such a batch is to go earlier than all do."""
    return f"{EXPIRING_FOLDER}/{batch_id}"


def sent_folder(owner: str | None) -> str:
    """Where an owner's files of requests lie; no owner is called as nobody's folder is."""
    return f"{SENT_FOLDER}/{owner or '-'}"


def sent_path(owner: str | None, file_id: str) -> str:
    """Where what is known of such a file lies."""
    return f"{sent_folder(owner)}/{file_id}.json"


def sent_content_path(owner: str | None, file_id: str) -> str:
    """Where such a file itself lies."""
    return f"{sent_folder(owner)}/{file_id}.jsonl"


def deleted_path(day: str, batch_id: str) -> str:
    """Where the note lies that a batch was deleted; `day` is in UTC, such as `2026-11-26`."""
    return f"{DELETED_FOLDER}/{day}/{batch_id}"


def manifest_folder(batch_id: str | None) -> str:
    """A batch's accepted jobs, a file for each request; or those without a batch, a file for each job."""
    return f"{batch_folder(batch_id)}/manifest" if batch_id else "jobs"


def manifest_path(batch_id: str | None, part: str) -> str:
    """Where the jobs of one request lie; `part` is an id, so that parts sort by time."""
    return f"{manifest_folder(batch_id)}/{part}.{'jsonl' if batch_id else 'json'}"


def answers_folder(batch_id: str | None) -> str:
    """The finished jobs of a batch, or those without a batch."""
    return f"{batch_folder(batch_id)}/answers" if batch_id else "answers"


def answer_path(batch_id: str | None, job_id: str) -> str:
    """Where a finished job's record lies in the journal."""
    return f"{answers_folder(batch_id)}/{job_id}.json"


def logprobs_path(batch_id: str | None, job_id: str) -> str:
    """Where it lies how likely each token of a job's answer was."""
    return f"{batch_folder(batch_id)}/logprobs/{job_id}.json" if batch_id else f"logprobs/{job_id}.json"


def page_path(path: str, page: int) -> str:
    """The path of a page that is a job of its own: the first is found under the file's."""
    return path if page == 1 else f"{path}#{page}"


def file_path(path: str, page: int | None) -> str:
    """The path of the file of which a job asks about one page; the opposite of `page_path`."""
    return path if page in (None, 1) else path.removesuffix(f"#{page}")

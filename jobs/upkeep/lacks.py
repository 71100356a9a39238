"""What Redis lacks: batches of the journal, and its jobs without one, that are not in Redis."""

from collections.abc import Iterator

from jobs.contract.chunks import chunks
from jobs.storage.files.journal import Journal
from jobs.storage.store import JobStore

#: Batches or jobs that are looked for at a time.
_CHUNK = 500


def lacks(store: JobStore, journal: Journal) -> Iterator[bool]:
    """Whether Redis lacks any of some batches or jobs; then of the next ones, to the end.

    What comes or goes meanwhile is not lacking: Redis has it earlier, and longer, than the journal. Jobs of a
    batch that Redis has are not looked for. Raises redis.RedisError when Redis is away, and Unavailable when
    the blob store is.
    """
    for batches in chunks(journal.batches(), _CHUNK):
        yield any(not store.has_record(batch.id) and journal.has_batch(batch.id) for batch in batches)
    for job_ids in chunks(journal.singles(), _CHUNK):
        yield any(map(journal.has_single, store.unknown(job_ids)))

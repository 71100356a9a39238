"""What packing the texts of answers takes of memory."""

import tracemalloc

from jobs.contract.models import Job, JobState
from web.export.texts import text_zip


def test_memory_does_not_grow_with_the_answers(tmp_path):
    """Of each a hash of its name is kept, but no entry of the zip's directory: that has half a kilobyte."""
    job = Job(file="", question="What?", model="nano", state=JobState.SUCCEEDED, answer="red").public()

    def peak_bytes(count: int) -> int:
        jobs = ({**job, "file": f"folder/{number:06}.jpg"} for number in range(count))
        tracemalloc.start()
        try:
            packed_bytes = sum(map(len, text_zip(jobs, tmp_path)))
            assert packed_bytes > 100 * count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak_bytes(8_000), peak_bytes(13_000)
    assert (many - few) / 5_000 < 150
    assert list(tmp_path.iterdir()) == []

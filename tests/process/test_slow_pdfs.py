"""PDFs that take too long end the process that reads them, and nothing else: web and the worker go on."""

import pytest

from tests.files import pdfs
from tests.process.conftest import Stack
from tests.process.test_answers import make_batch, wait_until_done

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


def test_what_takes_too_long_is_refused_or_fails_with_its_reason_and_all_else_goes_on(stack: Stack):
    worker = stack.start_worker("nano", EVA01_PDF_PAGE_CPU_S="1")
    files = {"slow to open": pdfs.many_sections(), "slow to draw": pdfs.endless(), "good": pdfs.document()}
    with stack.client() as client:
        batch = make_batch(client)
        for name, content in files.items():
            # Each by itself: what one takes counts as its request's.
            client.post(f"/api/batches/{batch}/files", files={"files": (f"{name}.pdf", content)})
        wait_until_done(client, batch)
        assert client.get(f"/api/batches/{batch}").json()["counts"]["failed"] == 2
        jobs = client.get(f"/api/batches/{batch}/results").json()["jobs"]
        ends = {job["file"]: job["error"] and job["error"]["code"] for job in jobs}
        assert ends == {
            "slow to open.pdf": "pdf_too_costly",
            "slow to draw.pdf": "pdf_too_costly",
            "good.pdf": None,
        }
        for job in jobs[:2]:
            assert "takes more time than it may" in job["error"]["message"]
        assert client.get("/ready").status_code == 200
    assert worker.popen.poll() is None

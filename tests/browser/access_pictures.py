"""A server on which people have keys and have used it, for the pictures of signing in, keys and usage."""

from collections.abc import Mapping
from datetime import timedelta

import httpx

from jobs.contract.models import utc_now
from tests import plain
from tests.process.conftest import Stack
from tests.processes import wait_until

ADMIN_KEY = "eva01_the-key-of-the-admin-of-the-pictures"
#: The keys that are made, as the API takes them.
_KEYS = (
    {"owner": "anna", "note": "Anna's laptop", "quotas": {"images_per_day": 5000}},
    {"owner": "ben", "note": "Ben, until the fair is over", "days": 90},
    {"owner": "printers", "note": "the scanner on the second floor"},
    {
        "owner": "dashboard",
        "note": "what is open, on the wall",
        "role": "read-only",
        "teams": ["anna", "ben"],
    },
)


def start_with_keys(stack: Stack) -> None:
    """Start Redis, a web that asks for keys and offers a provider, and a worker of `nano`."""
    stack.start_redis()
    stack.start_web(
        EVA01_ADMIN_KEY=ADMIN_KEY,
        EVA01_ADMIN_OWNER="root",
        EVA01_OIDC_ISSUER="https://login.example.org",
        EVA01_OIDC_CLIENT_ID="eva01",
        EVA01_OIDC_ALLOWED="@example.org",
    )
    stack.start_worker("nano", OMP_WAIT_POLICY="passive")


def use(stack: Stack, files: Mapping[str, bytes]) -> None:
    """Make keys, rotate one, revoke one; ask about the files with three of them."""
    with _client(stack, ADMIN_KEY) as admin:
        made = [admin.post("/api/keys", json=fields).raise_for_status().json() for fields in _KEYS]
        ended = (utc_now() + timedelta(days=30)).isoformat()
        old = {"owner": "carl", "note": "Carl's old tablet", "expires_at": ended}
        revoked = admin.post("/api/keys", json=old).raise_for_status().json()["prefix"]
        admin.post(f"/api/keys/{revoked}/revoke").raise_for_status()
        rotated = made[2]["prefix"]
        admin.post(f"/api/keys/{rotated}/rotate", json={"grace_hours": 24}).raise_for_status()
    for number, key in enumerate(made[:3]):
        _ask(stack, key["key"], dict([*files.items()][: len(files) >> number]))


def _ask(stack: Stack, key: str, files: Mapping[str, bytes]) -> None:
    with _client(stack, key) as http:
        asked = {"model": "nano", "question": "Describe this image."}
        batch = http.post("/api/batches", json=asked).raise_for_status().json()["id"]
        parts = [("files", file) for file in files.items()]
        http.post(f"/api/batches/{batch}/files", files=parts).raise_for_status()
        http.post(f"/api/batches/{batch}/close").raise_for_status()
        wait_until(lambda: http.get(f"/api/batches/{batch}").json()["is_done"], "all is answered")


def _client(stack: Stack, key: str) -> httpx.Client:
    return plain.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"})

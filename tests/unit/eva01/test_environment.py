"""Each part gets of our environment what it needs, and no other part's secrets."""

import pytest

from eva01.launcher.environment import for_redis, for_web, for_worker
from jobs.contract.settings import Settings, UpSettings

SYSTEM = {"PATH": "/bin", "HOME": "/root", "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "TMPDIR": "/tmp"}
SHARED = {
    "REDIS_URL": "redis://a",
    "EVA01_DATA": "/d",
    "MODEL_NAME": "m",
    "HTTPS_PROXY": "p",
    "no_proxy": "n",
}
MODELS = {
    "HF_TOKEN": "s",
    "CUDA_VISIBLE_DEVICES": "0",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "OMP_NUM_THREADS": "2",
    "TORCH_HOME": "/t",
    "PYTORCH_ALLOC_CONF": "x",
    "TRANSFORMERS_OFFLINE": "1",
}
WEB = {"EVA01_ADMIN_KEY": "s" * 32, "EVA01_SECRET_KEY": "s" * 16, "EVA01_OIDC_CLIENT_SECRET": "s"}
WORKERS = {"EVA01_OPENAI_KEY": "s"}
NOBODY = {
    "EVA01_KEY": "s",
    "EVA01_KEY_FILE": "/s",
    "GITHUB_TOKEN": "s",
    "SSH_AUTH_SOCK": "/s",
    "DATABASE_URL": "s",
    "MY_AWS_KEY": "s",
    "PATHOLOGY": "s",
    "MODEL_NAMES": "s",
}
CLOUDS = {
    "AWS_SECRET_ACCESS_KEY": "s",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "s",
    "AZURE_STORAGE_ACCOUNT_KEY": "s",
}
OURS = SYSTEM | SHARED | MODELS | WEB | WORKERS | NOBODY | CLOUDS


def test_each_part_gets_what_it_needs():
    settings, up = Settings(), UpSettings()
    assert for_redis(OURS) == SYSTEM
    assert for_web(OURS, settings, up) == SYSTEM | SHARED | WEB
    assert for_worker(OURS, settings, up) == SYSTEM | SHARED | MODELS | WORKERS


@pytest.mark.parametrize(
    ("blobs", "credentials"),
    [
        ("", set()),
        ("file:///srv/blobs", set()),
        ("s3://bucket", {"AWS_SECRET_ACCESS_KEY"}),
        ("s3a://bucket", {"AWS_SECRET_ACCESS_KEY"}),
        ("gs://bucket", {"GOOGLE_SERVICE_ACCOUNT_KEY"}),
        ("az://bucket", {"AZURE_STORAGE_ACCOUNT_KEY"}),
    ],
)
def test_credentials_are_those_of_the_blob_store_in_use(blobs, credentials):
    settings = Settings(blobs=blobs)
    for part in (for_web, for_worker):
        assert part(OURS, settings, UpSettings()).keys() & CLOUDS.keys() == credentials
    assert not for_redis(OURS).keys() & CLOUDS.keys()


def test_what_else_is_needed_can_be_named(monkeypatch):
    monkeypatch.setenv("EVA01_PASS_ENV", "DATABASE_URL, SSH_*")
    more = {"DATABASE_URL", "SSH_AUTH_SOCK"}
    for part in (for_web, for_worker):
        assert part(OURS, Settings(), UpSettings.read()).keys() & NOBODY.keys() == more
    assert for_redis(OURS) == SYSTEM

"""The lists of what EVA-01 is made of: of each lock, and of this environment, made without asking anybody."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: Nobody listens there: whoever asks the network hears an error.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def lists(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """All lists, by what they are of."""
    folder = tmp_path_factory.mktemp("lists")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    command = [sys.executable, "-m", "scripts.components", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | proxies, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {path.name.removesuffix(".cdx.json"): path for path in folder.iterdir()}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in found.items()}


def versions(listed: dict[str, Any]) -> set[tuple[str, str]]:
    """Each package of a list, with its version."""
    return {(one["name"], one["version"]) for one in listed["components"]}


def test_every_package_of_a_lock_is_listed_with_its_version_and_hashes(lists):
    for path in (ROOT / "docker" / "locks").glob("*.txt"):
        pins = re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        listed = lists[path.stem]
        assert listed["bomFormat"] == "CycloneDX"
        assert versions(listed) == set(pins)
        assert all(one["externalReferences"][0]["hashes"] for one in listed["components"])


def test_the_environment_is_listed_as_it_is_installed_with_licences(lists):
    listed = lists["environment"]
    for name in ("torch", "flask", "eva01-server"):
        assert (name, version(name)) in {(one.lower(), said) for one, said in versions(listed)}
    licensed = [one for one in listed["components"] if one.get("licenses")]
    assert len(licensed) > len(listed["components"]) / 2

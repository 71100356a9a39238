"""What goes into an image is known beforehand: bases by digest, packages by hash."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.pinning.references import OURS, files, pinned, references
from tests.servers.serving import Serving

ROOT = Path(__file__).parents[2]
#: Images whose registries have not been asked yet: there was no way to them. scripts/pin_images pins them.
UNPINNED = {
    "oliver006/redis_exporter",
    "registry.k8s.io/autoscaling/cluster-autoscaler",
    "registry.k8s.io/prometheus-adapter/prometheus-adapter",
    "vllm/vllm-openai",
}
KUSTOMIZED = {
    image.name for image in references((ROOT / "k8s/base/kustomization.yaml").read_text(encoding="utf-8"))
}
FILES = [path for path in files(ROOT) if references(path.read_text(encoding="utf-8"))]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
MANIFESTS = [ROOT / "docker-compose.yaml", *sorted((ROOT / "k8s").rglob("*.yaml"))]
LOCKS = sorted((ROOT / "docker" / "locks").glob("*.txt"))
#: What vLLM wants in other versions than the others have (scripts/lock).
VLLMS_OWN = {"llguidance", "numpy", "transformers"}
INDEX = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    """A registry with one image, which asks whoever comes for a token that it gives to everybody."""

    def do_GET(self) -> None:
        if self.path.startswith("/token?service=here&scope="):
            self._send(200, b'{"token": "open"}')
        elif self.headers["Authorization"] != "Bearer open":
            realm = f"http://{self.headers['Host']}/token"
            asked = f'Bearer realm="{realm}",service="here",scope="repository:a/b:pull"'
            self._send(401, b"", ("WWW-Authenticate", asked))
        elif self.path == "/v2/a/b/manifests/1.2":
            self._send(200, INDEX, ("Docker-Content-Digest", DIGEST))
        elif self.path == "/v2/a/b/manifests/forged":
            self._send(200, INDEX, ("Docker-Content-Digest", f"sha256:{'0' * 64}"))
        else:
            self._send(404, b"{}")

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def pin(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script's command in another folder."""
    command = [sys.executable, "-m", "scripts.pinning", "--root", str(root), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def locked(path: Path) -> dict[str, set[str]]:
    """Each package of a lock with its version, and its hashes."""
    text = re.sub(r"\\\n\s+", " ", path.read_text(encoding="utf-8"))
    lines = [line.split() for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {name: {word.removeprefix("--hash=") for word in words} for name, *words in lines}


def named_in(node: Any) -> Iterator[str]:
    """Every image that a manifest names, of a container, a volume, a patch, or kustomize's."""
    if isinstance(node, list):
        for one in node:
            yield from named_in(one)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in ("image", "newName", "reference") and isinstance(value, str):
            yield value
        yield from named_in(value)
    if "newTag" in node or "digest" in node:
        yield f"{node.get('newName', node['name'])}:{node.get('newTag', '')}"
    if str(node.get("path", "")).endswith("/image"):
        yield str(node.get("value", ""))


def test_the_script_sees_every_image_of_others_that_a_manifest_names():
    for path in MANIFESTS:
        text = path.read_text(encoding="utf-8")
        named = {name for document in yaml.safe_load_all(text) for name in named_in(document)}
        of_others = {name for name in named if not name.startswith(OURS) and "${" not in name}
        with_tag = {name.partition("@")[0] for name in of_others if ":" in name.rpartition("/")[2]}
        assert with_tag == {str(image) for image in references(text)}, path
        # Without a tag it is given one in k8s/base/kustomization.yaml.
        assert {name for name in of_others if ":" not in name} <= KUSTOMIZED, path


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
def test_a_dockerfile_is_built_on_what_the_script_sees_and_nothing_else(path):
    text = path.read_text(encoding="utf-8")
    stages = {"${BASE}", *re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)}
    used = {*re.findall(r"^FROM (\S+)", text, re.MULTILINE), *re.findall(r"--from=(\S+)", text)}
    assert used <= stages
    assert len(references(text)) == 1
    assert "# syntax=" not in text, "a frontend is an image as well"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_image_of_others_is_pinned_by_its_digest(path):
    for image in references(path.read_text(encoding="utf-8")):
        assert image.digest or image.name in UNPINNED, f"{image}: run scripts/pin_images"


def test_the_list_of_images_that_are_not_pinned_names_no_other():
    named = [image for path in FILES for image in references(path.read_text(encoding="utf-8"))]
    assert {image.name for image in named if not image.digest} == UNPINNED


def test_an_image_has_one_digest_wherever_it_is_named():
    found: dict[str, set[str | None]] = {}
    for path in FILES:
        for image in references(path.read_text(encoding="utf-8")):
            found.setdefault(str(image), set()).add(image.digest)
    assert {name: digests for name, digests in found.items() if len(digests) > 1} == {}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_package_of_a_lock_has_one_version_and_its_hashes(path):
    assert locked(path)
    for name, hashes in locked(path).items():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.+]+", name), name
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), name


def test_what_web_and_workers_share_is_of_one_version():
    found: dict[str, set[str]] = {}
    for path in LOCKS:
        for name in locked(path):
            package, _, version = name.partition("==")
            if path.stem == "vllm" and package in VLLMS_OWN:
                continue
            found.setdefault(package, set()).add(version.removesuffix("+cpu"))
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


def test_digests_are_asked_of_the_registry_and_written_where_images_are_named(tmp_path):
    compose = tmp_path / "docker-compose.yaml"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    with Serving(server):
        name = f"127.0.0.1:{server.server_port}/a/b"
        compose.write_text(f"services:\n  a:\n    image: {name}:1.2\n", encoding="utf-8")
        assert pin(tmp_path, "--check").returncode == 1
        assert pin(tmp_path).returncode == 0
        assert compose.read_text(encoding="utf-8").endswith(f"    image: {name}:1.2@{DIGEST}\n")
        assert pin(tmp_path, "--check").returncode == 0
        for tag in ("forged", "missing"):
            text = f"services:\n  a:\n    image: {name}:{tag}\n"
            compose.write_text(text, encoding="utf-8")
            done = pin(tmp_path)
            assert (done.returncode, compose.read_text(encoding="utf-8")) == (2, text)
            assert f"{name}:{tag}: " in done.stderr


def test_a_digest_is_written_in_dockerfiles_and_for_kustomize_too():
    digest = f"sha256:{'a' * 64}"
    for text in ("ARG BASE=python:3.11", "    image: python:3.11", "  - name: python\n    newTag: 3.11"):
        for older in (text, f"{text}@sha256:{'b' * 64}"):
            assert pinned(older, {"python:3.11": digest}) == f"{text}@{digest}"
    assert references("    image: ghcr.io/eva01/web:0.1.0") == []

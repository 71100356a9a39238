"""Where a model's files are, and what of them is loaded: settings and safetensors, never code nor pickles."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from jobs.formats.safetensors import INDEX, SUFFIX, files_in
from worker.engines.weights.unusable import Unusable
from worker.engines.weights.whole import SETTINGS, check_settings, check_tokenizer, check_weights

#: Code of its own that a folder may have without an `auto_map`.
_OWN_GENERATE = Path("custom_generate", "generate.py")
#: Formats that are pickles, so that reading them runs what they say.
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


@dataclass(frozen=True)
class Source:
    """A model's files."""

    #: A folder, or an address on the hub.
    address: str

    @property
    def is_local(self) -> bool:
        """True for a folder, for which nothing is downloaded."""
        return Path(self.address).is_dir()

    def load(self, kind: Any, **more: Any) -> Any:
        """What transformers' class `kind` makes of the files; their code is neither run nor offered."""
        return kind.from_pretrained(
            self.address, local_files_only=self.is_local, trust_remote_code=False, **more
        )

    def check(self) -> None:
        """Raises Unusable for files that are not there or not whole, need code of their own, or are pickled.

        Raises OSError for an address at which the hub has no model, or gives none away.
        """
        self._check_there()
        for name in SETTINGS:
            if code := next(_named_code(self.read(name)), None):
                raise _own_code(f"its {name} names {code}")
        if self.is_local and Path(self.address, _OWN_GENERATE).is_file():
            raise _own_code(f"it has a {_OWN_GENERATE}")
        if pickled := self._pickled():
            raise Unusable(
                f"its weights are pickled ({pickled}), and reading pickles runs what they say",
                "take weights as safetensors, or convert these by save_pretrained where they may run",
            )
        if self.is_local:
            check_weights(Path(self.address))
            check_tokenizer(Path(self.address))

    def _check_there(self) -> None:
        if self.is_local:
            check_settings(Path(self.address))
        elif Path(self.address).is_file():
            raise Unusable(
                f"{self.address} is a file",
                "name a folder in MODEL_NAME: one with config.json, weights and the processor's settings",
            )
        elif _is_a_path(self.address):
            raise Unusable(
                f"there is no folder {self.address}, as seen from {Path.cwd()}",
                "check MODEL_NAME: it is a folder, or NAME/MODEL on the hub",
            )
        else:
            # Before all the others, each of which would be asked for again and again where nobody answers.
            cached_file(self.address, "config.json")

    def _pickled(self) -> str | None:
        """A pickled file that would be read for the weights."""
        files = files_in(self.read(INDEX))
        if other := sorted(file for file in files if not file.endswith(SUFFIX)):
            return other[0]
        if not self.is_local:
            return None
        there = sorted(path.name for path in Path(self.address).iterdir())
        if any(name.endswith(SUFFIX) for name in there):
            return None
        return next((name for name in there if name.endswith(_PICKLED)), None)

    def has(self, name: str) -> bool:
        """Whether it has a file of that name."""
        return self._find(name) is not None

    def read(self, name: str) -> Any:
        """What a file of JSON says; None where there is none, or no JSON, of which transformers says more."""
        path = self._find(name)
        try:
            return json.loads(Path(path).read_bytes()) if path else None
        except ValueError:
            return None

    def _find(self, name: str) -> str | None:
        path: str | None = cached_file(
            self.address,
            name,
            local_files_only=self.is_local,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return path


def _is_a_path(address: str) -> bool:
    """True for what is no address on the hub: these have one slash at most, and begin with none."""
    return address.startswith(("/", ".", "~")) or address.count("/") > 1


def _own_code(why: str) -> Unusable:
    return Unusable(
        f"{why}: code that comes with weights is never run",
        "take a model that transformers knows by itself, such as Qwen/Qwen2.5-VL-7B-Instruct",
    )


def _named_code(settings: Any) -> Iterator[str]:
    """What every `auto_map` in a file's settings names, however deep."""
    if isinstance(settings, list):
        for part in settings:
            yield from _named_code(part)
    if isinstance(settings, dict):
        if own := settings.get("auto_map"):
            yield f"auto_map {json.dumps(own)}"[:120]
        for part in settings.values():
            yield from _named_code(part)

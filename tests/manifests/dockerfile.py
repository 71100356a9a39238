"""A parser of Dockerfiles: their stages, and the instructions of each."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words: of a JSON list, else as a shell would split them."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclass(frozen=True)
class Stage:
    """What is between one FROM and the next."""

    instructions: tuple[Instruction, ...]

    def texts(self, name: str) -> list[str]:
        """The texts of all instructions of one name."""
        return [one.text for one in self.instructions if one.name == name]

    @property
    def env(self) -> dict[str, str]:
        """Its environment."""
        pairs = [shlex.split(text) for text in self.texts("ENV")]
        return dict(pair.split("=", 1) for words in pairs for pair in words)

    @property
    def healthcheck(self) -> list[str]:
        """The command of its health check."""
        (text,) = self.texts("HEALTHCHECK")
        return list(json.loads(text[text.index("[") :]))


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile; what is before the first FROM is left out."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    instructions = [Instruction(name, text.strip()) for name, text in found]
    starts = [n for n, one in enumerate(instructions) if one.name == "FROM"]
    return [
        Stage(tuple(instructions[begin:end]))
        for begin, end in zip(starts, [*starts[1:], len(instructions)], strict=True)
    ]

"""What a server says, part by part.

data: {"choices": [{"delta": {"content": "A cat"}}]}      text
data: {"choices": [{"finish_reason": "stop"}]}            why it ends
data: {"choices": [], "usage": {…}}                       what it took
data: [DONE]
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from worker.engines.remote.errors import Broken, Lost, error_in

_DATA, _DONE = "data:", "[DONE]"


@dataclass
class Said:
    """An answer as it grows."""

    parts: list[str] = field(default_factory=list)
    #: What its model thought before, where the server keeps that apart.
    thoughts: list[str] = field(default_factory=list)
    #: Why it will not answer, in a model's own words.
    refusals: list[str] = field(default_factory=list)
    #: How likely its tokens were, as the server writes them.
    tokens: list[dict[str, Any]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    is_done: bool = False
    #: Hears of each part of its text, and of its thoughts; None where nobody listens.
    on_text: Callable[[str], object] | None = None
    on_thought: Callable[[str], object] | None = None

    @property
    def text(self) -> str:
        """All of its text so far."""
        return "".join(self.parts)

    def take_line(self, line: str) -> None:
        """Take a line of a stream.

        Raises ServerError where that says that there is no answer, or is none.
        """
        if not line.startswith(_DATA):
            # An empty line, a comment that keeps the connection open, or a field that means nothing here.
            return
        said = line[len(_DATA) :].strip()
        if said == _DONE:
            self.is_done = True
            return
        try:
            data = json.loads(said)
        except ValueError as error:
            raise Lost("its stream cannot be read") from error
        self.take(data)

    def take_whole(self, content: bytes) -> None:
        """Take all that a server says which does not stream.

        Raises ServerError.
        """
        try:
            data = json.loads(content)
        except ValueError as error:
            raise Broken("what it says is no JSON") from error
        self.take(data)
        self.end()

    def take(self, data: Any) -> None:
        """Take a part of an answer, or a whole one.

        Raises ServerError.
        """
        if not isinstance(data, dict) or data.get("error"):
            raise error_in(data)
        self.usage = data.get("usage") or self.usage
        for choice in (data.get("choices") or [])[:1]:
            self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        said = choice.get("delta") or choice.get("message") or {}
        if thought := said.get("reasoning_content") or said.get("reasoning"):
            self.thoughts.append(str(thought))
            if self.on_thought:
                self.on_thought(str(thought))
        if text := said.get("content"):
            self.parts.append(text)
            if self.on_text:
                self.on_text(text)
        if refusal := said.get("refusal"):
            self.refusals.append(refusal)
        self.tokens += (choice.get("logprobs") or {}).get("content") or []
        self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def end(self) -> None:
        """Raises Lost where the end is missing."""
        if self.finish_reason is None and not self.is_done:
            raise Lost("its answer broke off")

"""Models that think aloud: what they think is kept apart from their answers, on every path."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.catalog import card_for
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.drawing import Scene
from tests.miniatures import NANO
from tests.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.answers import Answers
from worker.engines.saying.logprobs import Choices
from worker.engines.saying.said import Said
from worker.engines.saying.thinking import BEGIN, END
from worker.engines.saying.vocabulary import Vocabulary

TEMPLATE = (NANO / "chat_template.jinja").read_text(encoding="utf-8")
#: The end of the templates of two families: one always begins a thought, of the other one chooses.
ALWAYS = "{{ '<think>\\n' }}"
SWITCH = f"{{% if enable_thinking %}}{ALWAYS}{{% else %}}{{{{ '<think>\\n\\n</think>\\n\\n' }}}}{{% endif %}}"
THOUGHT = "<think>\nA red circle, it seems.\n</think>\n\nA red circle."
IMAGE = Scene("white", (("red", "circle"),)).draw()


def folder_of(tmp_path: Path, end: str) -> Path:
    """A copy of nano whose template ends so."""
    folder = Path(shutil.copytree(NANO, tmp_path / "nano"))
    (folder / "chat_template.jinja").write_text(TEMPLATE + end, encoding="utf-8")
    return folder


def loaded(folder: Path, **settings: Any) -> Any:
    engine = create_engine(card_for(str(folder)), WorkerSettings(device="cpu", dtype="float32", **settings))
    engine.load()
    return engine


class Speech:
    """Makes answers of nano's tokens; its marks are `text`, tokens, or tokens that `control` a model."""

    def __init__(self, marks: str = "text", *, is_thinking: bool = False) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(NANO)
        if marks != "text":
            self.tokenizer.add_tokens([BEGIN, END], special_tokens=marks == "control")
        ends = [self.tokenizer.eos_token_id]
        self.vocabulary = Vocabulary(self.tokenizer, ends, len(self.tokenizer))
        self.answers = Answers("nano", self.tokenizer, ends, self.vocabulary, is_thinking=is_thinking)
        self._ends, self._is_thinking = ends, is_thinking

    def answer(self, text: str, *, is_whole: bool = True, **more: Any) -> Any:
        """What becomes of it when a model says it, and then ends."""
        tokens = self.tokens(text) + (self._ends if is_whole else [])
        return self.answers.of(Said(tokens, [math.log(0.5)] * len(tokens), 1, 1, **more))

    def pieces(self, text: str) -> str:
        """All of it that is told while it is said."""
        pieces: list[str] = []
        hear = lambda piece: pieces.append(piece()[1])  # noqa: E731
        aloud = Aloud(self.vocabulary, None, hear, is_thinking=self._is_thinking)
        for token in self.tokens(text):
            aloud.add(token)
        return "".join(pieces)

    def tokens(self, text: str) -> list[int]:
        return [*self.tokenizer(text)["input_ids"]]


@pytest.mark.parametrize("marks", ["text", "tokens", "control"])
def test_what_is_thought_is_no_part_of_the_answer(marks):
    speech = Speech(marks)
    answer, plain = speech.answer(THOUGHT), speech.answer("A red circle.")
    assert (answer.reasoning, answer.text) == ("A red circle, it seems.", "A red circle.")
    assert (plain.reasoning, plain.text) == (None, "A red circle.")
    assert answer.usage.output_tokens > plain.usage.output_tokens
    assert speech.pieces(THOUGHT) == speech.pieces("A red circle.") != ""


def test_how_likely_tokens_were_is_said_of_the_answer_alone():
    speech, choices = Speech(), Choices(0)
    for token in speech.tokens(THOUGHT):
        choices.add(([token], [-0.5]))
    told = speech.answer(THOUGHT, choices=choices).logprobs()
    assert "".join(one["token"] for one in told).strip() == "A red circle."


@pytest.mark.parametrize("marks", ["text", "control"])
def test_a_prompt_that_begins_a_thought_needs_no_mark_in_what_is_said(marks):
    speech, said = Speech(marks, is_thinking=True), THOUGHT.removeprefix("<think>\n")
    answer = speech.answer(said)
    assert (answer.reasoning, answer.text) == ("A red circle, it seems.", "A red circle.")
    assert speech.pieces(said) == Speech(marks).pieces("A red circle.")


def test_who_is_still_thinking_at_the_end_has_no_answer():
    answer = Speech(is_thinking=True).answer("A red circle, it seems", is_whole=False)
    failure = answer.failure()
    assert (answer.text, answer.finish_reason) == ("", "length")
    assert isinstance(failure, EngineFailure)
    assert "was still thinking" in failure.message
    assert failure.code == "empty_answer"


@pytest.mark.parametrize(
    ("end", "thinking", "prompt"),
    [
        (ALWAYS, "auto", "<think>\n"),
        (ALWAYS, "on", "<think>\n"),
        (ALWAYS, "off", "<think>\n</think>\n\n"),
        (SWITCH, "auto", "<think>\n\n</think>\n\n"),
        (SWITCH, "on", "<think>\n"),
        (SWITCH, "off", "<think>\n\n</think>\n\n"),
    ],
)
def test_a_model_thinks_or_not_as_the_setting_says(tmp_path, end, thinking, prompt):
    engine = loaded(folder_of(tmp_path, end), thinking=thinking)
    job = prepare(engine, IMAGE, "What is it?", Options(max_new_tokens=3))
    text = engine._processor.tokenizer.decode(job.tensors["input_ids"][0])
    assert text.endswith(prompt)
    assert engine._conversation.answers.is_thinking == (prompt == "<think>\n")
    assert ("thinking" in engine.identity) == (thinking != "auto")


def test_what_is_held_to_a_format_is_answered_without_a_thought(tmp_path):
    engine = loaded(folder_of(tmp_path, ALWAYS), batching="static")
    wanted = ResponseFormat.model_validate({"type": "json_object"})
    job = prepare(engine, IMAGE, "What is it?", Options(max_new_tokens=60, response_format=wanted))
    assert engine._processor.tokenizer.decode(job.tensors["input_ids"][0]).endswith("</think>\n\n")
    answer = engine.generate([job])[0]
    if isinstance(answer, Answer):
        assert answer.text.startswith("{")


def test_a_setting_that_does_nothing_is_said(tmp_path, caplog):
    with caplog.at_level("WARNING"):
        loaded(NANO, thinking="on")
    assert "EVA01_THINKING does nothing" in caplog.text

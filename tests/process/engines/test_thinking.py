"""Models that think aloud: what they think is kept apart from their answers, on every path."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.catalog import card_for
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.families.miniatures import NANO
from tests.files.drawing import Scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.answers import Answers
from worker.engines.saying.logprobs import Choices
from worker.engines.saying.said import Said
from worker.engines.saying.thinking import MARKS, Marks, Thinking
from worker.engines.saying.vocabulary import Vocabulary
from worker.engines.seeing.processors import GridProcessor
from worker.engines.seeing.templates import thinking_of
from worker.engines.weights.source import Source

TEMPLATE = (NANO / "chat_template.jinja").read_text(encoding="utf-8")
#: The end of the templates of two families: one always begins a thought, of the other one chooses.
ALWAYS = "{{ '<think>\\n' }}"
SWITCH = f"{{% if enable_thinking %}}{ALWAYS}{{% else %}}{{{{ '<think>\\n\\n</think>\\n\\n' }}}}{{% endif %}}"
THINK = MARKS[0]
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

    def __init__(
        self,
        kind: str = "text",
        begun: Marks | None = None,
        *,
        marks: Sequence[str] = THINK[:2],
        known: Sequence[Marks] = (),
        is_held: bool = False,
    ) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(NANO)
        if kind != "text":
            self.tokenizer.add_tokens([*marks], special_tokens=kind == "control")
        ends, thinking = [self.tokenizer.eos_token_id], Thinking(begun, known, is_held)
        self.vocabulary = Vocabulary(self.tokenizer, ends, len(self.tokenizer))
        self.answers = Answers("nano", self.tokenizer, ends, self.vocabulary, thinking=thinking)
        self._ends, self._thinking = ends, thinking

    def answer(self, text: str, *, is_whole: bool = True, **more: Any) -> Any:
        """What becomes of it when a model says it, and then ends."""
        tokens = self.tokens(text) + (self._ends if is_whole else [])
        return self.answers.of(Said(tokens, [math.log(0.5)] * len(tokens), 1, 1, **more))

    def pieces(self, text: str, *, are_thought: bool = False) -> str:
        """All of its answer that is told while it is said, or of its thought."""
        pieces: list[str] = []
        hear = lambda piece: pieces.extend(text for _, text, is_it in piece() if is_it == are_thought)  # noqa: E731
        aloud = Aloud(self.vocabulary, None, hear, self._thinking)
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
    thought = speech.tokens(THOUGHT.partition("\n\n")[0])
    assert (answer.usage.reasoning_tokens, plain.usage.reasoning_tokens) == (len(thought), 0)
    assert speech.pieces(THOUGHT) == speech.pieces("A red circle.") != ""


@pytest.mark.parametrize("marks", MARKS, ids=str)
@pytest.mark.parametrize("kind", ["text", "control"])
def test_each_familys_marks_are_known_also_piece_by_piece(marks, kind):
    speech = Speech(kind, marks=marks[:2])
    said = f"{marks.begin}{marks.label}A red circle, it seems.{marks.end}A red circle."
    answer = speech.answer(said)
    assert (answer.reasoning, answer.text) == ("A red circle, it seems.", "A red circle.")
    assert speech.pieces(said) == "A red circle."
    assert speech.pieces(said, are_thought=True) == "A red circle, it seems."
    speech, said = Speech(kind, marks, marks=marks[:2]), f"\nA red {marks.end}\nA circle."
    answer = speech.answer(said)
    assert (answer.reasoning, answer.text, speech.pieces(said)) == ("A red", "A circle.", "A circle.")
    assert speech.pieces(said, are_thought=True) == "A red"


def test_marks_around_an_answer_and_within_it_are_no_part_of_it_either():
    boxes = ("<|begin_of_box|>", "<|end_of_box|>")
    speech, choices = Speech("tokens", marks=boxes), Choices(0)
    said = f"<think>Red.</think>\n<answer>It is {boxes[0]}a red circle{boxes[1]}.</answer>\n"
    for token in speech.tokens(said):
        choices.add(([token], [-0.5]))
    answer = speech.answer(said, choices=choices)
    assert (answer.reasoning, answer.text) == ("Red.", "It is a red circle.")
    assert speech.pieces(said) == answer.text
    likely = [one for one in answer.logprobs() if one["bytes"]]
    assert "".join(one["token"] for one in likely).strip() == answer.text
    cut = "<think>Red.</think><answer>A red circle</ans"
    assert speech.answer(cut, is_whole=False).text == speech.pieces(cut) == "A red circle"
    assert speech.answer("<answer>A</answer>").text == "<answer>A</answer>"
    more = "<think>Red.</think><answer>A red circle. </answer> I said <answer>so</answer>."
    assert speech.answer(more).text == speech.pieces(more) == "A red circle."


def test_how_likely_tokens_were_is_said_of_the_answer_alone():
    speech, choices = Speech(), Choices(0)
    for token in speech.tokens(THOUGHT):
        choices.add(([token], [-0.5]))
    told = speech.answer(THOUGHT, choices=choices).logprobs()
    assert "".join(one["token"] for one in told).strip() == "A red circle."


@pytest.mark.parametrize("marks", ["text", "control"])
def test_a_prompt_that_begins_a_thought_needs_no_mark_in_what_is_said(marks):
    speech, said = Speech(marks, THINK), THOUGHT.removeprefix("<think>\n")
    answer = speech.answer(said)
    assert (answer.reasoning, answer.text) == ("A red circle, it seems.", "A red circle.")
    assert speech.pieces(said) == Speech(marks).pieces("A red circle.")


@pytest.mark.parametrize("kind", ["text", "tokens", "control"])
def test_a_thought_that_nobody_began_is_none_of_the_answer_of_a_model_that_has_its_mark(kind):
    said = "A red circle, it seems.</think>\n\nA red circle."
    speech = Speech(kind, known=(THINK,), is_held=True)
    answer = speech.answer(said)
    assert (answer.reasoning, answer.text) == ("A red circle, it seems.", "A red circle.")
    assert (speech.pieces(said, are_thought=True), speech.pieces(said)) == (answer.reasoning, answer.text)
    assert speech.pieces("A red circle, it s") == ""
    assert (speech.answer("A circle.").reasoning, speech.answer("A circle.").text) == (None, "A circle.")
    open_ = Speech(kind, known=(THINK,))
    assert open_.answer(said).text == "A red circle."
    assert "A red circle, it seems." in open_.pieces(said)
    assert Speech(known=(MARKS[1],)).answer(said).text == said


@pytest.mark.parametrize("begun", [None, THINK])
def test_a_thought_that_is_begun_again_is_none_of_the_answer(begun):
    speech = Speech(begun=begun)
    for said in (THOUGHT, "<think>A red circle, </think>\n<think>it seems.</think> A red circle."):
        answer = speech.answer(said)
        assert answer.text == speech.pieces(said) == "A red circle."
        assert answer.reasoning == speech.pieces(said, are_thought=True)
        assert "<think>" not in answer.reasoning
        assert "".join(answer.reasoning.split()) == "Aredcircle,itseems."


@pytest.mark.parametrize(
    ("end", "tokens", "expected"),
    [
        ("", [], Thinking()),
        ("", ["</think>"], Thinking(known=(THINK,))),
        ("{# </think> #}", [], Thinking(known=(THINK,), is_held=True)),
        ("{# </think> #}{{ '<think></think>' }}", [], Thinking(known=(THINK,))),
        (ALWAYS + "{# </think> #}", [], Thinking(THINK, (THINK,))),
    ],
)
def test_a_models_marks_are_those_of_its_template_and_its_tokenizer(end, tokens, expected):
    processor = GridProcessor(Source(str(NANO)), 200_000).own
    processor.chat_template = TEMPLATE + end
    processor.tokenizer.add_tokens(tokens)
    assert thinking_of(processor, None) == expected


def test_who_is_still_thinking_at_the_end_has_no_answer():
    answer = Speech(begun=THINK).answer("A red circle, it seems", is_whole=False)
    failure = answer.failure()
    assert (answer.text, answer.finish_reason, answer.reasoning) == ("", "length", "A red circle, it seems")
    assert isinstance(failure, EngineFailure)
    assert answer.usage.reasoning_tokens == answer.usage.output_tokens > 0
    assert "was still thinking" in failure.message
    assert failure.code == "incomplete_answer"


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
    assert engine._conversation.answers.thinking.begun == (THINK if prompt == "<think>\n" else None)
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

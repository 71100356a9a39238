"""The bars the model has to reach: `python -m scripts.nano.evaluate` from the repository's root.

Every answer counts only when it is right to the letter. Images are prepared and batched by the worker's own
code, and answered in fp32. With `--write` the tables go into the model card.
"""

import argparse
import io
import random
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import torch
from PIL import Image
from safetensors import safe_open
from transformers.utils import logging as library_logging

from jobs.contract.catalog import NANO
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from scripts.nano import colors, drawing, others, questions, world
from scripts.nano.fields import ask_fields
from scripts.nano.world import Scene
from worker.engines.base import Answer
from worker.engines.transformers_engine import TransformersEngine

MODEL = Path(__file__).resolve().parents[2] / "worker/models/nano"
#: Differs from the trainer's seed, so that these scenes are held out.
SEED = 20_000
MAX_NEW_TOKENS = 128
BATCH = 8
#: Share right that each question has to reach, and flat colors whose name is clear.
QUESTION_BAR, COLOR_BAR = 0.95, 0.98
#: The same of answers with fields, all of which have to be right.
FIELDS_BAR = 0.9
_KINDS = (*questions.KINDS, "fields")
#: Where the measured tables stand in the model card.
_MEASURED_PART = re.compile(r"(?<=<!-- measured -->\n).*(?=<!-- /measured -->)", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """An image with a question and its answer; `labels` are the rows of the table that it counts in."""

    image: Image.Image
    question: questions.Question
    labels: tuple[str, ...]


@dataclass
class Score:
    """How many were right, of how many."""

    right: int = 0
    asked: int = 0

    @property
    def share(self) -> float:
        """0 to 1; 0 where nothing was asked."""
        return self.right / self.asked if self.asked else 0.0

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % | {self.right} / {self.asked}"


@dataclass
class Table:
    """Scores by row, in the order in which the rows first came."""

    title: str
    rows: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))

    def count(self, labels: Sequence[str], is_right: bool) -> None:
        """Enter one answer into its rows."""
        for label in labels:
            self.rows[label].right += is_right
            self.rows[label].asked += 1

    def __str__(self) -> str:
        lines = [f"| {self.title} | right | of |", "|---|---:|---:|"]
        order = sorted(self.rows)
        return "\n".join([*lines, *(f"| {label} | {self.rows[label]} |" for label in order)])


class Answerer:
    """The model as the worker runs it: its preparation, greedy, fp32."""

    def __init__(self, folder: Path) -> None:
        began = time.perf_counter()
        card = NANO.model_copy(update={"source": str(folder)})
        self.engine = TransformersEngine(
            card, WorkerSettings(dtype="float32", device="cpu", batching="static")
        )
        self.engine.load()
        self.load_s = time.perf_counter() - began
        # Loading takes all cores; the model is so small that a second thread only waits for the first.
        torch.set_num_threads(1)

    def outcomes(self, cases: Sequence[Case]) -> Sequence[Answer | EngineFailure]:
        """What is said in one batch, padded on the left."""
        prepared = [
            self.engine.prepare(
                [self.engine.see(case.image)],
                case.question.text,
                Options(max_new_tokens=MAX_NEW_TOKENS, response_format=case.question.response_format),
            )
            for case in cases
        ]
        return self.engine.generate(prepared)

    def answer_all(self, cases: Sequence[Case], size: int) -> list[str]:
        """The answers of any number of cases, in batches."""
        batches = [cases[at : at + size] for at in range(0, len(cases), size)]
        return [
            one.text if isinstance(one, Answer) else one.message
            for batch in batches
            for one in self.outcomes(batch)
        ]


def as_file(image: Image.Image, rng: random.Random) -> tuple[Image.Image, str]:
    """Through a PNG or a JPEG of quality 60 to 95, as half of all images each."""
    if rng.random() < 0.5:
        return drawing.through_jpeg(image, rng.randint(60, 95)), "JPEG"
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Image.open(buffer).convert("RGB"), "PNG"


def ask_everything(scene: Scene, rng: random.Random) -> list[questions.Question]:
    """One question of every kind that has an answer here, in either language and any wording."""
    asked = []
    for kind in questions.KINDS:
        shapes = questions.single_shapes(scene) if kind == "color" else [""]
        if shapes:
            language = rng.choice(questions.LANGUAGES)
            asked.append(questions.ask(scene, rng, kind, language, shape=rng.choice(shapes)))
    return [*asked, ask_fields(scene, rng, rng.choice(questions.LANGUAGES))]


def _kind_labels(question: questions.Question) -> tuple[str, ...]:
    name = f"{_KINDS.index(question.kind) + 1}. {question.kind}"
    return name, f"{name}, {question.language}"


def held_out_cases(count: int) -> list[Case]:
    """Scenes as the trainer draws them, but from another seed and at full size."""
    rng, cases = random.Random(SEED), []
    for _ in range(count):
        scene = world.sample_scene(rng, world.sample_size(rng, world.MEASURED), world.MEASURED)
        image, form = as_file(drawing.paint(scene, rng), rng)
        for question in ask_everything(scene, rng):
            labels = _kind_labels(question)
            if question.kind == "describe":
                labels += (f"describe, {len(scene.shapes)} shape(s)", f"describe, {form}")
            cases.append(Case(image, question, labels))
    return cases


def other_hand_cases(count: int) -> list[Case]:
    """Scenes drawn by independent code (others.py)."""
    rng, cases = random.Random(SEED + 1), []
    for index in range(count):
        hand = others.HANDS[index % len(others.HANDS)]
        scene, image = hand(rng)
        image, _ = as_file(image, rng)
        for question in ask_everything(scene, rng):
            labels = _kind_labels(question)
            if question.kind == "describe":
                labels += (f"describe, {hand.__name__.replace('_', ' ')}",)
            cases.append(Case(image, question, labels))
    return cases


def flat_color_cases(count: int) -> list[Case]:
    """800 x 600 images of one random color; the rows say how clear its name is."""
    rng, cases = random.Random(SEED + 2), []
    for index in range(count):
        rgb = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        name, margin = colors.nearest_name(rgb)
        scene = Scene(800, 600, name, rgb)
        kind = ("describe", "background")[index % 2]
        question = questions.ask(scene, rng, kind, questions.LANGUAGES[index // 2 % 2])
        label = "clear" if margin >= colors.CLEAR_MARGIN else "less clear" if margin >= 0.1 else "unclear"
        bounds = {
            "clear": f"{colors.CLEAR_MARGIN} and more",
            "less clear": "0.1 and more",
            "unclear": "below 0.1",
        }
        cases.append(Case(Image.new("RGB", (800, 600), rgb), question, (f"{label}: margin {bounds[label]}",)))
    return cases


def measure(title: str, cases: Sequence[Case], answers: Sequence[str], shown: int) -> Table:
    """Count what is right, and print a few that are not."""
    table = Table(title)
    for case, text in zip(cases, answers, strict=True):
        is_right = text == case.question.answer
        table.count(case.labels, is_right)
        if not is_right and shown:
            shown -= 1
            print(f"  {case.image.size} {case.question.text!r}: {case.question.answer!r}, said {text!r}")
    print(f"\n{table}\n", flush=True)
    return table


def _is_question_kind(label: str) -> bool:
    return label[0].isdigit() and "," not in label


def failed_bars(held_out: Table, other: Table, flat: Table) -> list[str]:
    """The bars that were missed, in words."""
    missed = [
        f"{table.title}: {label} {score}"
        for table in (held_out, other)
        for label, score in table.rows.items()
        if _is_question_kind(label) and score.share < (FIELDS_BAR if "fields" in label else QUESTION_BAR)
    ]
    clear = next(score for label, score in flat.rows.items() if label.startswith("clear"))
    return missed + ([f"{flat.title}: {clear}"] if clear.share < COLOR_BAR else [])


def write_card(card: Path, parts: Sequence[object]) -> None:
    """Put the measured tables into the model card."""
    tables = "\n\n".join(map(str, parts))
    card.write_text(_MEASURED_PART.sub(lambda _: f"\n{tables}\n\n", card.read_text()))


SETS = {"held out": held_out_cases, "another hand": other_hand_cases, "flat": flat_color_cases}


@dataclass(frozen=True)
class Task:
    """One set to be answered, `batch` images at a time; in a shuffled order when that is more than one."""

    model: Path
    set_name: str
    count: int
    batch: int

    def order(self, cases: int) -> list[int]:
        """The indices of the cases in the order in which they are answered."""
        numbers = range(cases)
        return random.Random(SEED).sample(numbers, cases) if self.batch > 1 else list(numbers)


def run(task: Task) -> tuple[list[str], str]:
    """The answers in the order of the cases, and facts about the model; in a process of its own."""
    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    answerer = Answerer(task.model)
    cases = SETS[task.set_name](task.count)
    order = task.order(len(cases))
    answered = dict(zip(order, answerer.answer_all([cases[n] for n in order], task.batch), strict=True))
    facts = f"{parameters_of(task.model):,} parameters; loaded in {answerer.load_s:.2f} s."
    return [answered[n] for n in range(len(cases))], facts


def parameters_of(folder: Path) -> int:
    """How many numbers a model's weights are."""
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        return sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118


def main() -> None:
    """Measure everything; exits with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--scenes", type=int, default=720, help="of each set")
    parser.add_argument("--show", type=int, default=0, help="wrong answers to print of each set")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the tables into the model card")
    args = parser.parse_args()
    tasks = [
        Task(args.model, "held out", args.scenes, 1),
        Task(args.model, "held out", args.scenes, BATCH),
        Task(args.model, "another hand", args.scenes, BATCH),
        Task(args.model, "flat", 2 * args.scenes, BATCH),
    ]
    with ProcessPoolExecutor(args.processes) as pool:
        (alone, facts), (together, _), (by_others, _), (of_flat, _) = pool.map(run, tasks)

    held_out = measure("held-out scenes", held_out_cases(args.scenes), alone, args.show)
    same = sum(one == other for one, other in zip(alone, together, strict=True))
    same_line = (
        f"Left-padded batches of {BATCH}, of mixed sizes and questions: as alone {same} / {len(alone)}."
    )
    other = measure("scenes by another hand", other_hand_cases(args.scenes), by_others, args.show)
    flat = measure("one flat color, 800 × 600", flat_color_cases(2 * args.scenes), of_flat, args.show)
    missed = failed_bars(held_out, other, flat) + ([same_line] if same < len(alone) else [])
    print(same_line, facts, *(missed or ["Every bar is met."]), sep="\n")
    if args.write:
        write_card(args.model / "README.md", (held_out, other, flat, same_line + " " + facts))
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()

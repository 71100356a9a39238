"""What can be asked of a scene as fields, in English and Chinese, and the one right answer as JSON.

    background   the color behind everything
    count        how many shapes
    shapes       their kinds, from the left
    colors       their colors, from the left
    solid        is there nothing on it?
    circle …     the color of the only one of its kind, else null

Any of them in any order, each under one of its names and of any type that can hold it, as a user might ask.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.contract.asking.fields import AnswerField, FieldType, format_of
from scripts.nano.colors import BY_NAME, NAMES
from scripts.nano.questions import LANGUAGES, WORDINGS, Question, single_shapes
from scripts.nano.world import SHAPES, Scene, sample_scene

#: The most fields of one question: more would not fit into its answer's tokens.
_MOST = 4
#: Questions that come before the fields; others are those of a description.
_ASKED = {
    "en": ("Fill in the fields.", "What is in this image?", "Read the image."),
    "zh": ("填写字段。", "图中有什么？", "看图填写。"),
}
#: Questions for the tokenizer: each word comes several times.
_SAMPLES = 1000
_HINT_SHARE, _TEXT_SHARE, _REQUIRED_SHARE = 0.25, 0.4, 0.5


def _color(name: str, language: str) -> str:
    return name if language == "en" else BY_NAME[name].zh


def _kind(name: str, language: str) -> str:
    return name if language == "en" else SHAPES[name]


def _only(kind: str) -> Callable[[Scene, str], Any]:
    def color_of_it(scene: Scene, language: str) -> Any:
        if kind not in single_shapes(scene):
            return None
        return next(_color(shape.color, language) for shape in scene.shapes if shape.kind == kind)

    return color_of_it


@dataclass(frozen=True)
class Fact:
    """One thing that a scene shows."""

    #: What a user calls it, by language; what comes first is what the docs show.
    names: dict[str, tuple[str, ...]]
    #: A few words about it, by language.
    hints: dict[str, str]
    value: Callable[[Scene, str], Any]
    types: tuple[FieldType, ...] = (FieldType.TEXT, FieldType.CHOICE)
    #: What its values are taken from, where it is a choice.
    among: tuple[str, ...] = ()
    is_list: bool = False
    #: True when it may be null.
    may_lack: bool = False


FACTS: dict[str, Fact] = {
    "background": Fact(
        {"en": ("background", "background_color"), "zh": ("背景", "背景色")},
        {"en": "the background color", "zh": "背景颜色"},
        lambda scene, language: _color(scene.background, language),
        among=NAMES,
    ),
    "count": Fact(
        {"en": ("count", "number_of_shapes"), "zh": ("数量", "个数")},
        {"en": "how many shapes", "zh": "有几个图形"},
        lambda scene, _: len(scene.shapes),
        types=(FieldType.INTEGER, FieldType.INTEGER, FieldType.NUMBER),
    ),
    "shapes": Fact(
        {"en": ("shapes",), "zh": ("图形", "形状")},
        {"en": "which shapes, from left to right", "zh": "有哪些图形"},
        lambda scene, language: [_kind(shape.kind, language) for shape in scene.shapes],
        among=tuple(SHAPES),
        is_list=True,
    ),
    "colors": Fact(
        {"en": ("colors",), "zh": ("颜色",)},
        {"en": "the color of each shape", "zh": "每个图形的颜色"},
        lambda scene, language: [_color(shape.color, language) for shape in scene.shapes],
        among=NAMES,
        is_list=True,
    ),
    "solid": Fact(
        {"en": ("solid", "is_solid"), "zh": ("纯色",)},
        {"en": "no shapes in the image", "zh": "没有图形"},
        lambda scene, _: not scene.shapes,
        types=(FieldType.BOOLEAN,),
    ),
    **{
        kind: Fact(
            {"en": (kind, f"{kind}_color"), "zh": (chinese, f"{chinese}颜色")},
            {"en": f"the color of the {kind}", "zh": f"{chinese}的颜色"},
            _only(kind),
            among=NAMES,
            may_lack=True,
        )
        for kind, chinese in SHAPES.items()
    },
}


def field_of(fact: Fact, rng: random.Random, language: str) -> AnswerField:
    """A field that can hold a fact, as one of many might ask for it."""
    kind = rng.choice(fact.types)
    if fact.among and rng.random() < _TEXT_SHARE:
        kind = FieldType.TEXT
    elif fact.among:
        kind = FieldType.CHOICE
    translate = _color if fact.among == NAMES else _kind
    return AnswerField(
        name=rng.choice(fact.names[language]),
        type=kind,
        choices=tuple(translate(name, language) for name in fact.among) if kind is FieldType.CHOICE else (),
        is_list=fact.is_list,
        is_required=not fact.may_lack and rng.random() < _REQUIRED_SHARE,
        hint=fact.hints[language] if rng.random() < _HINT_SHARE else "",
    )


def written(values: dict[str, Any]) -> str:
    """Values as the model writes them: on one line, Chinese as it is."""
    return json.dumps(values, ensure_ascii=False, separators=(", ", ": "))


def ask_fields(
    scene: Scene, rng: random.Random, language: str, *, facts: Sequence[str] | None = None
) -> Question:
    """A question with fields: some, or those of `facts`."""
    chosen = list(facts) if facts else rng.sample(sorted(FACTS), rng.randint(1, _MOST))
    fields = [field_of(FACTS[name], rng, language) for name in chosen]
    values = {
        field.name: FACTS[name].value(scene, language) for field, name in zip(fields, chosen, strict=True)
    }
    asked = rng.choice((*_ASKED[language], *WORDINGS["describe", language]))
    return Question("fields", language, asked, written(values), response_format=format_of(fields))


def samples() -> list[str]:
    """Questions and answers with every word that there is in them, for the tokenizer."""
    rng, texts = random.Random(0), []
    for number in range(_SAMPLES):
        scene = sample_scene(rng, (400, 300))
        question = ask_fields(scene, rng, LANGUAGES[number % len(LANGUAGES)])
        texts += [question.told, question.answer]
    return texts

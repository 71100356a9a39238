"""What can be asked of a scene, in English and Chinese, and the one right answer.

Shapes are always named from left to right, each one by itself, also where two are alike.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.contract.asking.response_format import ResponseFormat
from jobs.shape.telling import told
from scripts.nano.colors import BY_NAME
from scripts.nano.world import SHAPES, Scene

LANGUAGES = ("en", "zh")
KINDS = ("describe", "background", "count", "shapes", "color")

#: `{shape}` stands for the name of a shape. The first wording is the one the docs show.
WORDINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("describe", "en"): (
        "Describe this image.",
        "Describe the image.",
        "Describe this picture.",
        "Describe this image in detail.",
        "Please describe this image.",
        "Please describe this image in detail.",
        "What is in this image?",
        "What is in the picture?",
        "What do you see?",
        "What does the image show?",
        "Tell me about this image.",
        "Describe the content and colors of this image.",
        "Describe the content of this image.",
        "Caption this image.",
        "Describe",
        "What is this?",
    ),
    ("describe", "zh"): (
        "描述这张图片的内容和颜色",
        "描述这张图片",
        "请描述这张图片",
        "描述一下这张图片",
        "请详细描述这张图片的内容",
        "请描述这张图片的内容和颜色",
        "描述图片的内容",
        "描述图片",
        "描述图像",
        "请用中文描述这张图片",
        "这张图片里有什么？",
        "图中有什么？",
        "图片里有什么？",
        "你看到了什么？",
        "分析这张图片",
        "请分析这张图片的内容",
    ),
    ("background", "en"): (
        "What color is the background?",
        "What is the background color?",
        "What is the color of the background?",
        "Which color is the background?",
        "Name the background color.",
        "Background color?",
    ),
    ("background", "zh"): (
        "背景是什么颜色？",
        "背景颜色是什么？",
        "图片的背景是什么颜色？",
        "这张图片的背景是什么颜色？",
        "背景色是什么？",
        "背景的颜色？",
    ),
    ("count", "en"): (
        "How many shapes are there?",
        "How many shapes are in the image?",
        "How many shapes are in this image?",
        "How many shapes do you see?",
        "Count the shapes.",
        "How many shapes?",
    ),
    ("count", "zh"): (
        "图中有几个图形？",
        "有几个图形？",
        "有多少个图形？",
        "图中有多少个图形？",
        "这张图片里有几个图形？",
        "数一数图形",
    ),
    ("shapes", "en"): (
        "Which shapes are there?",
        "What shapes are there?",
        "Which shapes are in the image?",
        "What shapes are in the image?",
        "Which shapes do you see?",
        "Name the shapes.",
        "List the shapes.",
    ),
    ("shapes", "zh"): (
        "图中有哪些图形？",
        "有哪些图形？",
        "有什么图形？",
        "图中有什么图形？",
        "这张图片里有哪些图形？",
        "图中有什么形状？",
        "列出图形",
    ),
    ("color", "en"): (
        "What color is the {shape}?",
        "What is the color of the {shape}?",
        "Which color is the {shape}?",
        "The {shape} is what color?",
        "Color of the {shape}?",
    ),
    ("color", "zh"): (
        "{shape}是什么颜色？",
        "图中的{shape}是什么颜色？",
        "{shape}的颜色是什么？",
        "图中{shape}是什么颜色？",
        "{shape}的颜色？",
    ),
}

_COUNTS = {"en": ("no", "one", "two", "three"), "zh": ("零", "一", "两", "三")}


@dataclass(frozen=True)
class Question:
    """A question with its answer; `shape` is set where one shape is asked about."""

    kind: str
    language: str
    text: str
    answer: str
    shape: str = ""
    #: What the answer is held to; None for plain text.
    response_format: ResponseFormat | None = None

    @property
    def told(self) -> str:
        """All that the model is told."""
        return told(self.text, self.response_format) if self.response_format else self.text


def _with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def _listed(parts: Sequence[str], comma: str, last: str) -> str:
    return last.join([comma.join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _describe(scene: Scene, language: str) -> str:
    background = scene.background
    if language == "en":
        if not scene.shapes:
            return f"A solid {background} image."
        parts = [_with_article(f"{shape.color} {shape.kind}") for shape in scene.shapes]
        return _sentence(f"{_listed(parts, ', ', ' and ')} on {_with_article(background)} background")
    if not scene.shapes:
        return f"一张纯{BY_NAME[background].zh}的图片。"
    parts = [f"一个{BY_NAME[shape.color].zh}{SHAPES[shape.kind]}" for shape in scene.shapes]
    return f"{BY_NAME[background].zh}背景上有{_listed(parts, '、', '和')}。"


def _color_sentence(name: str, language: str) -> str:
    return _sentence(name) if language == "en" else f"{BY_NAME[name].zh}。"


def _count(scene: Scene, language: str) -> str:
    count = len(scene.shapes)
    word = _COUNTS[language][count]
    if language == "zh":
        return f"有{word}个图形。" if count else "没有图形。"
    return "There is one shape." if count == 1 else f"There are {word} shapes."


def _shapes(scene: Scene, language: str) -> str:
    if not scene.shapes:
        return _count(scene, language)
    kinds = [shape.kind for shape in scene.shapes]
    if language == "en":
        return _sentence(_listed([_with_article(kind) for kind in kinds], ", ", " and "))
    return _listed([SHAPES[kind] for kind in kinds], "、", "和") + "。"


def _color_of(scene: Scene, language: str, kind: str) -> str:
    for shape in scene.shapes:
        if shape.kind == kind:
            return _color_sentence(shape.color, language)
    return f"There is no {kind}." if language == "en" else f"没有{SHAPES[kind]}。"


def answer(scene: Scene, kind: str, language: str, shape: str = "") -> str:
    """The one right answer, to the letter."""
    if kind == "describe":
        return _describe(scene, language)
    if kind == "background":
        return _color_sentence(scene.background, language)
    if kind == "count":
        return _count(scene, language)
    if kind == "shapes":
        return _shapes(scene, language)
    return _color_of(scene, language, shape)


def single_shapes(scene: Scene) -> list[str]:
    """The kinds that stand in the scene exactly once: those whose color can be asked for."""
    counts = Counter(shape.kind for shape in scene.shapes)
    return sorted(kind for kind, count in counts.items() if count == 1)


def absent_shapes(scene: Scene) -> list[str]:
    """The kinds that are not in the scene."""
    return sorted(set(SHAPES) - {shape.kind for shape in scene.shapes})


def ask(
    scene: Scene, rng: random.Random, kind: str, language: str, *, shape: str = "", wording: int | None = None
) -> Question:
    """A question of the kind, in the given or in a random wording."""
    choices = WORDINGS[kind, language]
    text = choices[wording] if wording is not None else rng.choice(choices)
    text = text.format(shape=shape if language == "en" else SHAPES.get(shape, ""))
    return Question(kind, language, text, answer(scene, kind, language, shape), shape)


#: Words for prompts that are none of the questions: the model answers those with its description.
_OTHER_EN = """please summarize the photo scene object detect quality product report short caption text
extract title details what where who why style content people left right size main subject list tell me
explain analyze json briefly photograph hello today ignore instructions write a poem"""
_OTHER_ZH = """今天 天气 请问 说明 识别 检测 物体 场景 人物 里面 看看 帮我 告诉 细节 简短 一句话 总结 标题
生成 详情 商品 风格 画面 位置 左边 右边 大小 有没有 哪里 为什么 怎么样 文字 提取 报告 照片 内容 主题 你好 写
一段 文案 主体 回答"""
_OTHER_WORDS = {"en": _OTHER_EN.split(), "zh": _OTHER_ZH.split()}


def ask_anything(scene: Scene, rng: random.Random, language: str) -> Question:
    """A prompt the model was not made for; its answer is the description, in the prompt's language."""
    words = rng.choices(_OTHER_WORDS[language], k=rng.randint(1, 9))
    text = (" " if language == "en" else "").join(words) + rng.choice(("", "", ".", "?", "。", "？"))
    return Question("describe", language, text, answer(scene, "describe", language))


def retyped(question: Question, rng: random.Random) -> Question:
    """The same question as people also type it: without its mark, with another one, in small letters."""
    text = question.text
    if rng.random() < 0.25:
        marks = ("", "", "?", ".") if question.language == "en" else ("", "", "？", "。", "?")
        text = text.rstrip("?.。？") + rng.choice(marks)
    if question.language == "en" and rng.random() < 0.12:
        text = text.lower()
    return replace(question, text=text)

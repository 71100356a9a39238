"""Families that are not asked by chats, and have no template for them: what to ask in their place."""

from dataclasses import dataclass

from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable


@dataclass(frozen=True)
class _NoChats:
    """What a family takes in the place of questions, and what to run instead of it."""

    takes: str
    instead: str


_QUESTIONS = "run google/gemma-3-4b-it or Qwen/Qwen2.5-VL-7B-Instruct, which answer questions"
_SMALL = (
    "run llava-hf/llava-onevision-qwen2-0.5b-ov-hf, which answers questions and is about as small, or ocr,"
    " which reads text"
)
_TEXT = "run ocr or stepfun-ai/GOT-OCR-2.0-hf, which read text, or Qwen/Qwen2.5-VL-7B-Instruct for questions"
_CAPTION = _NoChats("the beginning of a caption, or nothing", _SMALL)
_FORM = _NoChats("the mark of the task or form of document that it was trained for", _TEXT)
#: By `model_type`, as transformers' documentation of each says how it is asked.
_NO_CHATS = {
    "florence2": _NoChats("marks of tasks, such as <CAPTION> and <OCR>", _SMALL),
    "paligemma": _NoChats("short commands, such as 'caption en' and 'answer en …'", _QUESTIONS),
    **dict.fromkeys(
        ("chameleon", "fuyu", "idefics"), _NoChats("a text that goes on from an image", _QUESTIONS)
    ),
    **dict.fromkeys(
        ("instructblip", "instructblipvideo"), _NoChats("an instruction alone, by its own form", _QUESTIONS)
    ),
    "blip-2": _NoChats("the beginning of a caption, or 'Question: … Answer:'", _SMALL),
    **dict.fromkeys(("blip", "git", "kosmos-2"), _CAPTION),
    "kosmos-2.5": _NoChats("marks of tasks, <ocr> and <md>", _TEXT),
    **dict.fromkeys(("pix2struct", "pp_formulanet", "udop", "vision-encoder-decoder"), _FORM),
    "pi0": _NoChats("a command to a robot", _QUESTIONS),
}
#: Where else than in a file of its own a template may stand.
_TELLING = ("chat_template.json", "processor_config.json", "tokenizer_config.json")


def check_chats(source: Source, family: str) -> None:
    """Raises Unusable for a model that has no chat template because none of its family has one.

    Before its processor is loaded, which may need tokens that only some of its folders have.
    """
    if (found := _NO_CHATS.get(family)) and not _has_template(source):
        raise Unusable(
            f"its family {family!r} is not asked by chats: it takes {found.takes}, and has no chat template",
            found.instead,
        )


def _has_template(source: Source) -> bool:
    said = map(source.read, _TELLING)
    return source.has("chat_template.jinja") or any(
        isinstance(settings, dict) and settings.get("chat_template") for settings in said
    )

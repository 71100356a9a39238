"""A model's chat template, tried before anybody is answered by it: what it leaves out is never seen."""

from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import TemplateError

from jobs.contract.asking.chat import Role, Turn, question_about
from jobs.contract.errors import EngineFailure
from worker.engines.saying.thinking import MARKS, Thinking, marks_begun
from worker.engines.weights.unusable import Unusable

#: The variable of templates by which one chooses whether a model thinks aloud.
_SWITCH = "enable_thinking"
#: A question as no template has it by itself.
_QUESTION = "Which of 7 kites is above the harbor?"
_REMEDY = "take the chat template of the model's makers, chat_template.jinja, or a model that has one"
#: Parts of processors that are texts which stand for an image.
_PLACES = ("image_token", "boi_token", "start_image_token", "image_start_token")


def use_template(processor: Any) -> None:
    """Give a processor its tokenizer's template where it has none of its own, and try what it has.

    It is asked about no image, one and two. Raises Unusable when there is no template at all, as for families
    that are not asked by chats; when it fails, leaves out the question, or has not just so many places.
    """
    template = processor.chat_template or getattr(processor.tokenizer, "chat_template", None)
    if not template:
        raise Unusable("it has no chat template, by which its images and questions are put together", _REMEDY)
    processor.chat_template = template
    try:
        none, one, two = (rendered(processor, [question_about(images, _QUESTION)]) for images in range(3))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise Unusable(f"its chat template cannot be used: {why}", _REMEDY) from error
    if _QUESTION not in one:
        raise Unusable("its chat template leaves out the question", _REMEDY)
    if one in (none, two):
        raise Unusable("its chat template has no place for an image, which it would not see", _REMEDY)
    for name in _PLACES:
        place = getattr(processor, name, None)
        if not isinstance(place, str) or place not in two:
            continue
        places = one.count(place), two.count(place)
        if places != (1, 2):
            raise Unusable(
                f"its chat template has {places[0]} places for one image, and {places[1]} for two", _REMEDY
            )


def rendered(processor: Any, turns: Iterable[Turn], thinking: bool | None = None) -> str:
    """Turns as the model's chat template puts them, up to where its answer begins.

    `thinking` says whether it thinks aloud before, where its template lets one choose; None leaves that to
    it. A model whose prompts always begin a thought is given the end of one.
    """
    messages = [{"role": turn.role.value, "content": [*map(_part, turn.parts)]} for turn in turns]
    switch = {} if thinking is None else {_SWITCH: thinking}
    text: str = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **switch)
    begun = marks_begun(text) if thinking is False else None
    return f"{text.rstrip()}\n{begun.end}\n\n" if begun else text


def asked(processor: Any, turns: Sequence[Turn], thinking: bool | None) -> str:
    """The same of what people ask; raises EngineFailure where the template refuses or leaves out a part.

    What a model has said before may be left out: some templates drop what it thought.
    """
    try:
        text = rendered(processor, turns, thinking)
    except TemplateError as error:
        raise EngineFailure(
            f"The model's chat template refuses the chat: {error}. Ask in other turns."
        ) from error
    for turn in turns:
        if turn.role is not Role.ASSISTANT and any(part and part.strip() not in text for part in turn.parts):
            raise EngineFailure(
                f"The model's chat template leaves out a turn of the {turn.role.value}. Say it in the last"
                " turn of the user, or ask another model."
            )
    return text


def thinking_of(processor: Any, thinking: bool | None) -> Thinking:
    """What a model's prompts, its template and its tokenizer say of how it thinks.

    A template that has the end of a thought alone is of a model that ends what it never began.
    """
    prompt, template = (
        rendered(processor, [question_about(1, _QUESTION)], thinking),
        str(processor.chat_template),
    )
    added = {str(token) for token in processor.tokenizer.added_tokens_decoder.values()}
    known = tuple(marks for marks in MARKS if marks.end in template or marks.end in added)
    is_ended = any(prompt.rstrip().endswith(marks.end) for marks in known)
    are_unbegun = any(marks.end in template and marks.begin not in template for marks in known)
    return Thinking(marks_begun(prompt), known, are_unbegun and not is_ended)


def can_choose_thinking(processor: Any) -> bool:
    """True where `rendered` heeds `thinking`, also if only to end a thought."""
    template = processor.chat_template
    return _SWITCH in str(template) or thinking_of(processor, None).begun is not None


def _part(part: str | None) -> dict[str, Any]:
    return {"type": "image"} if part is None else {"type": "text", "text": part}

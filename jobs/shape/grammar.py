"""A schema as the grammar that answers are held to, token by token."""

import json
from typing import Any

from llguidance import LLMatcher

from jobs.shape.days import with_patterns
from jobs.shape.idle import without_idle

#: How JSON is written: on one line, with a space or none behind `,` and `:`. A model that might write any
#: white space may write nothing else until its tokens are used up. What cannot be held to is refused, not
#: ignored, whatever the schema itself says of that.
_WRITTEN: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ?",
    "key_separator": ": ?",
    "lenient": False,
    "coerce_one_of": False,
}
#: Advice of llguidance that is none to whoever sends a schema.
_TO_PROGRAMS = ". Enable 'coerce_one_of'"


def grammar_of(schema: dict[str, Any]) -> str:
    """The grammar of answers that satisfy a schema, as llguidance reads it."""
    return LLMatcher.grammar_from_json_schema(
        json.dumps(with_patterns(without_idle(schema))), overrides=_WRITTEN
    )


def fault_in(schema: dict[str, Any]) -> str | None:
    """Why answers cannot be held to a schema, in llguidance's words; None when they can.

    There are schemas of which it never comes to an end (jobs.shape.apart).
    """
    try:
        return _advising(LLMatcher.validate_grammar(grammar_of(schema))) or None
    except ValueError as error:
        return _advising(str(error))
    except BaseException as error:
        # A panic in Rust is no Exception: it would end a thread that nobody expects to end.
        if type(error).__name__ != "PanicException":
            raise
        return "what reads it fails on it"


def _advising(fault: str) -> str:
    """A fault with advice that helps."""
    said, advice, _ = fault.partition(_TO_PROGRAMS)
    return f"{said}; say anyOf instead" if advice else said

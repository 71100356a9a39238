"""What a line of the log looks like, and what it says besides its sentence; for all that runs as a process.

    logging.getLogger(…).info("…") ──► ids that are bound here ──► nothing secret ──► stderr, as text or JSON

Lines of libraries take the same way. Ids are bound to the context of a request or a job, which is its
thread's; `within` takes them over into another.
"""

import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from structlog import contextvars, processors
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_logger_name
from structlog.typing import EventDict, Processor

logger = logging.getLogger(__name__)

#: The ids that a line may say, in this order.
IDS = ("request_id", "call", "who", "owner", "batch_id", "job_id")
_NAMED = re.compile(r"\b([Bb]atch|[Jj]ob) ([0-9a-f]{32})\b")
#: Fields that are dropped, whoever binds them.
_SECRET_FIELDS = frozenset(
    {"answer", "authorization", "cookie", "file", "key", "password", "question", "secret", "text", "token"}
)
#: Where in the context the texts are that no line of it may say.
_HIDDEN = "_hidden"
#: Characters of such a text at least: a shorter one would be found in any sentence.
_SHORTEST = 4
#: What is hidden wherever it stands: keys, credentials in headers and addresses, what opens a shared batch,
#: and what redis-py repeats of a command that failed.
_SECRETS = re.compile(
    r"""
    (?<= \b eva01_[A-Za-z0-9_-]{8} ) [A-Za-z0-9_-]{8,}
    | (?<= \b Bearer[ ] ) [^\s'"]{8,}
    | (?<= :// ) [^\s/@'"]+ (?= @ )
    | (?<= /shared/ ) [^\s/?"'<>]+
    | (?<= Command[ ]\# ) .* (?= [ ]of[ ]pipeline )
    """,
    re.VERBOSE | re.DOTALL,
)


def set_up(form: str) -> None:
    """Log to stderr from now on, a line each: `console` for people, `json` for programs."""
    render: Processor = processors.JSONRenderer() if form == "json" else _for_people
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[_stamp, add_logger_name, ExtraAdder(IDS), contextvars.merge_contextvars],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                processors.format_exc_info,
                _named,
                _without_secrets,
                render,
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda ended: _uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)


# What a line is about


def begin(*, hidden: Iterable[str] = (), **ids: str | None) -> None:
    """Let all further lines of this context say these ids and no others, and none of the `hidden` texts."""
    contextvars.clear_contextvars()
    contextvars.bind_contextvars(**_bound(hidden, ids))


def add(**ids: str | None) -> None:
    """Let all further lines of this context say these ids, too."""
    contextvars.bind_contextvars(**_bound((), ids))


def about(*, hidden: Iterable[str] = (), **ids: str | None) -> AbstractContextManager[None]:
    """Let the lines of a block say these ids, too, and none of the `hidden` texts."""
    return contextvars.bound_contextvars(**_bound(hidden, ids))


def context() -> Mapping[str, Any]:
    """What lines say here, to be said by another thread."""
    return contextvars.get_contextvars()


def within(*contexts: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Let the lines of a block say what those of another thread do; of several, what all of them say.

    What one of them may not say is said by none.
    """
    common = dict(set.intersection(*(set(_ids(one).items()) for one in contexts))) if contexts else {}
    hidden = [text for one in contexts for text in one.get(_HIDDEN, ())]
    return contextvars.bound_contextvars(**_bound(hidden, common))


def _ids(context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name != _HIDDEN}


def _bound(hidden: Iterable[str], ids: Mapping[str, str | None]) -> dict[str, Any]:
    bound: dict[str, Any] = {name: value for name, value in ids.items() if value is not None}
    if texts := [text for text in hidden if len(text) >= _SHORTEST]:
        # As they are, and as `repr` shows them in an error.
        forms = {form for text in texts for form in (text, repr(text)[1:-1])}
        bound[_HIDDEN] = (*contextvars.get_contextvars().get(_HIDDEN, ()), *forms)
    return bound


# How it is written


def _stamp(_: Any, level: str, line: EventDict) -> EventDict:
    """Begin the line with its time, level and sentence."""
    stamped = processors.TimeStamper(fmt="iso", utc=True, key="time")(None, level, {})
    return {**stamped, "level": level, **line}


def _named(_: Any, __: str, line: EventDict) -> EventDict:
    """Let the line say the ids that its sentence names as well, as those of housekeeping do."""
    for kind, id_ in _NAMED.findall(str(line["event"])):
        line.setdefault(f"{kind.lower()}_id", id_)
    return line


def _without_secrets(_: Any, __: str, line: EventDict) -> EventDict:
    hidden = sorted(line.pop(_HIDDEN, ()), key=len, reverse=True)
    for name in _SECRET_FIELDS & line.keys():
        del line[name]
    for name in {"event", "exception"} & line.keys():
        said = str(line[name])
        for text in hidden:
            said = said.replace(text, "…")
        line[name] = _SECRETS.sub("…", said)
    return line


def _for_people(_: Any, __: str, line: EventDict) -> str:
    """The time, the level, the sentence, and the ids that it does not say itself; a traceback below."""
    said = str(line["event"])
    ids = [f"{name}={line[name]}" for name in IDS if name in line and str(line[name]) not in said]
    first = " ".join([line["time"], f"{line['level'].upper():<7}", said, *ids])
    # What does not begin with a time is part of the line above, whoever has written it.
    return "\n  ".join([*first.splitlines(), *line.get("exception", "").splitlines()])


def _uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logger.critical("An error that nobody caught.", exc_info=(kind, error or kind(), where))

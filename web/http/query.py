"""What stands behind the `?` of an address: a name that its call does not take is refused."""

from collections.abc import Callable, Collection, Mapping
from functools import cache

from flask import Flask, current_app, request

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput

#: The names that each call takes there, by its method and the rule of its address.
Taken = Mapping[tuple[str, str], Collection[str]]

#: Where the calls are for programs; health, metrics and pages may be asked with any names.
_CALLS = ("/api/", "/v1/", "/analyze")
_TAKEN = "eva01_query"
_SHOWN = 100


def register_query(app: Flask, taken: Callable[[], Taken], anywhere: Collection[str] = ()) -> None:
    """Have `app` refuse what a call does not take, before anything is done; all calls take `anywhere`."""
    app.extensions[_TAKEN] = cache(taken), anywhere
    app.before_request(check_query)


def check_query() -> None:
    """Raises BadInput (`invalid_field`) for a name that the call does not take, or that is there twice."""
    rule = request.url_rule
    if not request.args or rule is None or not rule.rule.startswith(_CALLS):
        return
    taken, anywhere = current_app.extensions[_TAKEN]
    known = taken().get(("GET" if request.method == "HEAD" else request.method, rule.rule), ())
    for name, said in request.args.lists():
        if name not in (*known, *anywhere):
            raise _refused(name, f"Nothing is asked by `{name[:_SHOWN]}` here. {_remedy(known)}")
        # No call takes a list there.
        if len(said) > 1:
            raise _refused(name, f"`{name}` is there twice behind the `?` of the address. Say it once.")


def _remedy(known: Collection[str]) -> str:
    if not known:
        return "Leave it out; what a call is told besides stands in its body."
    return f"What can be: {', '.join(f'`{name}`' for name in known)}."


def _refused(name: str, message: str) -> BadInput:
    return BadInput(message, code=Code.INVALID_FIELD, field=name[:_SHOWN])

"""The sentences of a template: each `_("…")` and `ngettext("…", "…", num)`, wherever it stands."""

from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes

from scripts.sentences.unread import UnreadError

#: How many sentences each takes.
_CALLS = {"_": 1, "gettext": 1, "ngettext": 2}


def sentences_in(text: str, place: str) -> Iterator[str | tuple[str, str]]:
    """The sentences, those with a plural as two; raises UnreadError. `place`: the template's name."""
    try:
        template = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        raise UnreadError(place, error.lineno, str(error)) from error
    calls = {id(call.node): call for call in template.find_all(nodes.Call)}
    for name in template.find_all(nodes.Name):
        if name.name not in _CALLS:
            continue
        call = calls.get(id(name))
        said = [_literal(one) for one in call.args[: _CALLS[name.name]]] if call else []
        if len(said) < _CALLS[name.name] or None in said:
            raise UnreadError(place, name.lineno, f"what {name.name} says is no literal in its own call")
        first, *more = filter(None, said)
        yield (first, more[0]) if more else first


def _literal(argument: nodes.Expr) -> str | None:
    return argument.value if isinstance(argument, nodes.Const) and isinstance(argument.value, str) else None

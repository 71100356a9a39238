"""The sentences of a script: each `t("…")` and `tn("…", "…", count)`, wherever it stands.

Babel's own reader of scripts passes over calls in the arguments of others, and in template strings.
"""

import re
from collections.abc import Iterator

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from scripts.sentences.unread import UnreadError

_PARSER = Parser(Language(tree_sitter_javascript.language()))
#: How many sentences each takes.
_CALLS = {b"t": 1, b"tn": 2}
#: Where their names stand without being called: they come from elsewhere, or are made.
_NO_CALLS = {"import_specifier", "function_declaration"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


def sentences_in(text: str, place: str) -> Iterator[str | tuple[str, str]]:
    """The sentences, those with a plural as two; raises UnreadError. `place`: the script's name."""
    for node in _nodes(_PARSER.parse(text.encode()).root_node):
        line = node.start_point.row + 1
        if node.is_error or node.is_missing:
            raise UnreadError(place, line, "the script cannot be read")
        if node.type == "identifier" and node.text in _CALLS and not _is_named_alone(node):
            said = _said(node, _CALLS[node.text])
            if said is None:
                raise UnreadError(place, line, f"what {_text(node)} says is no literal in its own call")
            yield said


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _is_named_alone(name: Node) -> bool:
    """True where a name is imported as it is, or given to a function."""
    parent = name.parent
    return parent is not None and parent.type in _NO_CALLS and not parent.child_by_field_name("alias")


def _said(name: Node, count: int) -> str | tuple[str, str] | None:
    """The first arguments of the call by that name, each one literal; None where they are anything else."""
    call = name.parent
    if call is None or call.type != "call_expression" or call.child_by_field_name("function") != name:
        return None
    arguments = call.child_by_field_name("arguments")
    given = arguments.named_children if arguments else []
    said = [text for one in given[:count] if (text := _literal(one)) is not None]
    if len(said) < count or len(given) < (count if count == 1 else count + 1):
        return None
    return said[0] if count == 1 else (said[0], said[1])


def _literal(node: Node) -> str | None:
    """What a text says; None for one into which values are put, and for anything else."""
    has_values = any(child.type == "template_substitution" for child in node.children)
    if node.type not in ("string", "template_string") or has_values:
        return None
    return _ESCAPE.sub(_meant, _text(node)[1:-1])


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _meant(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(escape[4], escape[4])

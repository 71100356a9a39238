"""Lists as OpenAI's clients page through them: so many, after the last one that they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request

from web.http.numbers import whole
from web.openai.request import BadField

_FEW = 20


@dataclass(frozen=True)
class Asked:
    """What is asked of a list."""

    limit: int
    #: The id behind which it goes on; empty for its beginning.
    after: str
    #: What else is said.
    of: dict[str, str]

    @classmethod
    def read(cls, most: int) -> "Asked":
        """What the current request asks; raises BadField."""
        said = request.args.to_dict()
        limit = said.pop("limit", str(min(_FEW, most)))
        after = said.pop("after", "")
        try:
            few = whole(limit)
        except ValueError:
            few = 0
        if not 1 <= few <= most:
            raise BadField(f"`limit` is {limit[:100]!r}; it should be from 1 to {most:,}.", "limit")
        return cls(few, after, said)

    def page(self, shown: Sequence[dict[str, Any]]) -> Response:
        """Those of a whole list that are asked for."""
        ids = [one["id"] for one in shown]
        if self.after and self.after not in ids:
            raise BadField(f"`after` is {self.after[:100]!r}, which is not in the list.", "after")
        begin = ids.index(self.after) + 1 if self.after else 0
        return listed(shown[begin : begin + self.limit], has_more=len(shown) > begin + self.limit)


def listed(shown: Sequence[dict[str, Any]], *, has_more: bool) -> Response:
    """A page of a list."""
    return jsonify(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": has_more,
        }
    )

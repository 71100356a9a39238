"""Options that several commands share."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from eva01.cli.durations import seconds_in
from eva01.cli.errors import CommandError
from eva01.cli.pixels import pixels_in
from eva01.cli.submission import Kind, kind_of
from eva01.cli.text import duration
from eva01.client.address import Address, is_address
from eva01.client.client import DEFAULT_SERVER, Client, server_of_environment
from eva01.client.files import valid_text
from eva01.client.key import key_of_file

#: Makes the client of a command's server.
Connect = Callable[[], Client]
#: The most of the likeliest tokens that a server names in each place.
_MOST_TOP_LOGPROBS = 20
#: The largest seed that a server takes, and the least with a minus.
_MOST_SEED = 9_223_372_036_854_776_000
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Input(click.Path):
    """A folder, a file or an image's address; raises CommandError for an empty name, the folder we are in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or the address."""
        if not value:
            raise CommandError("no_input", "An input has no name. Write `.` for the folder you are in.")
        if isinstance(value, str) and is_address(value):
            return Address(valid_text(value))
        return super().convert(value, param, ctx)


def server_options(command: _Command) -> _Command:
    """`--server`, `--key` and `--key-file`: the command gets `connect`, which makes the client."""

    @click.option(
        "--server",
        default=server_of_environment,
        metavar="URL",
        help=f"Where EVA-01 is; also EVA01_SERVER.  [default: {DEFAULT_SERVER}]",
    )
    @click.option(
        "--key",
        metavar="KEY",
        help="Your key, where one is needed. Others on this machine can read it here: better EVA01_KEY.",
    )
    @click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        help="A file with your key; also EVA01_KEY_FILE.",
    )
    @wraps(command)
    def with_connect(server: str, key: str | None, key_file: Path | None, **others: Any) -> Any:
        if key and key_file:
            raise click.UsageError("--key and --key-file both bring a key; give one of them.")
        chosen = key_of_file(key_file) if key_file else key
        return command(connect=partial(Client, server, key=chosen or None), **others)

    return cast(_Command, with_connect)


def max_new_tokens_option(command: _Command) -> _Command:
    """`--max-new-tokens NUMBER`: the longest answer."""
    return click.option(
        "--max-new-tokens",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="The longest answer, in tokens; what is longer is cut short.  [default: the worker's]",
    )(command)


class Pixels(click.ParamType[int]):
    """A number of pixels, such as `1.5M`."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; click says what is wrong with any other text."""
        try:
            return value if isinstance(value, int) else pixels_in(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType[int]):
    """Seconds, written as `3600` or `36h`, within limits."""

    name = "duration"

    def __init__(self, least_s: int, most_s: int) -> None:
        self._least_s, self._most_s = least_s, most_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; click says what is wrong with any other text."""
        try:
            seconds = value if isinstance(value, int) else seconds_in(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not self._least_s <= seconds <= self._most_s:
            self.fail(
                f"{value!r} is not from {duration(self._least_s)} to {duration(self._most_s)}.", param, ctx
            )
        return seconds


def max_pixels_option(command: _Command) -> _Command:
    """`--max-pixels NUMBER`: at how many pixels images are seen."""
    return click.option(
        "--max-pixels",
        type=Pixels(),
        metavar="NUMBER",
        help="Pixels of each image that the model sees at most: 786432, 800k, 2M. A larger image is scaled"
        " down. More read smaller text; time and memory for an image grow with them. Fewer are faster."
        " `eva01 models` says what may be asked for.  [default: the worker's]",
    )(command)


def pages_options(command: _Command) -> _Command:
    """`--dpi` and `--pages`, which are added to `wanted`; below `fields_options`."""

    @click.option(
        "--dpi",
        type=click.IntRange(36, 600),
        metavar="NUMBER",
        help="Dots an inch at which pages of PDFs are drawn.  [default: the server's, mostly 150]",
    )
    @click.option(
        "--pages",
        type=click.Choice(["each", "together"]),
        help="Whether each page of a PDF or a TIFF is asked about by itself, or all of one together."
        "  [default: together for a model that reads whole files, such as ocr]",
    )
    @wraps(command)
    def with_pages(wanted: dict[str, Any], dpi: int | None, pages: str | None, **others: Any) -> Any:
        said = {"dpi": dpi, "pages": pages}
        asked = {name: value for name, value in said.items() if value is not None}
        return command(wanted=wanted | asked, **others)

    return cast(_Command, with_pages)


def fields_options(command: _Command) -> _Command:
    """`--field` and `--schema`: the command gets `wanted`, what each answer has to be."""

    @click.option(
        "--field",
        "fields",
        multiple=True,
        metavar="NAME[:TYPE[:HINT]]",
        help="A field that each answer has, and a column of the results: total:number,"
        " 'kind:receipt|invoice|other'. TYPE is text, number, integer, boolean, date, or values set apart by"
        " `|`; `[]` behind it makes a list, `!` says that there always is one. Give it once for each field.",
    )
    @click.option(
        "--schema",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="A file with the JSON Schema that each answer has to satisfy, in place of --field.",
    )
    @wraps(command)
    def with_wanted(fields: tuple[str, ...], schema: Path | None, **others: Any) -> Any:
        if fields and schema:
            raise click.UsageError("--field and --schema both say what an answer has; give one of them.")
        wanted: dict[str, Any] = {"fields": fields} if fields else {}
        if schema:
            named = {"name": _schema_name(schema), "schema": _schema_in(schema)}
            wanted = {"response_format": {"type": "json_schema", "json_schema": named}}
        return command(wanted=wanted, **others)

    return cast(_Command, with_wanted)


def logprobs_options(command: _Command) -> _Command:
    """`--logprobs` and `--top-logprobs`, which are added to `wanted`; below `fields_options`."""

    @click.option(
        "--logprobs",
        is_flag=True,
        help="Say in the .jsonl file how likely each token of an answer was.",
    )
    @click.option(
        "--top-logprobs",
        type=click.IntRange(0, _MOST_TOP_LOGPROBS),
        metavar="NUMBER",
        help="The same, with so many of the likeliest tokens in each place.",
    )
    @wraps(command)
    def with_logprobs(wanted: dict[str, Any], logprobs: bool, top_logprobs: int | None, **others: Any) -> Any:
        top = {} if top_logprobs is None else {"top_logprobs": top_logprobs}
        asked = {"logprobs": True, **top} if logprobs or top else {}
        return command(wanted=wanted | asked, **others)

    return cast(_Command, with_logprobs)


def sampling_options(command: _Command) -> _Command:
    """`--temperature` and what belongs to it, which are added to `wanted`; below `fields_options`."""

    @click.option(
        "--temperature",
        type=click.FloatRange(0, 2),
        metavar="NUMBER",
        help="How freely answers are drawn, 0 to 2.  [default: 0, the likeliest]",
    )
    @click.option(
        "--top-p",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="NUMBER",
        help="With --temperature: draw only of the likeliest tokens that are together as likely as this.",
    )
    @click.option(
        "--seed",
        type=click.IntRange(-_MOST_SEED, _MOST_SEED),
        metavar="NUMBER",
        help="The same seed draws the same answers.  [default: by chance]",
    )
    @click.option(
        "--stop",
        multiple=True,
        metavar="TEXT",
        help="End an answer before this text. Give it once for each text, at most four.",
    )
    @wraps(command)
    def with_sampling(
        wanted: dict[str, Any],
        temperature: float | None,
        top_p: float | None,
        seed: int | None,
        stop: tuple[str, ...],
        **others: Any,
    ) -> Any:
        for option, said in (("--top-p", top_p), ("--seed", seed)):
            if said is not None and not temperature:
                raise click.UsageError(
                    f"{option} needs a --temperature above 0: without one nothing is drawn."
                )
        if stop and ("fields" in wanted or "response_format" in wanted):
            raise click.UsageError("--stop would cut answers that --field and --schema want whole.")
        chosen = {"temperature": temperature, "top_p": top_p, "seed": seed, "stop": [*stop] or None}
        asked = {name: value for name, value in chosen.items() if value is not None}
        return command(wanted=wanted | asked, **others)

    return cast(_Command, with_sampling)


def _schema_in(file: Path) -> Any:
    """Raises CommandError when it holds no object of JSON."""
    try:
        schema = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError("bad_schema", f"{file} cannot be read as JSON: {error}. Mend it.") from error
    if not isinstance(schema, dict):
        raise CommandError("bad_schema", f"{file} holds no JSON Schema, which is an object: {{…}}. Mend it.")
    return schema


def _schema_name(file: Path) -> str:
    """The file's name in the letters that a schema's name may have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", file.stem)[:64] or "answer"


def json_option(command: _Command) -> _Command:
    """`--json`: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")(command)


def lines_option(command: _Command) -> _Command:
    """`--lines`: where text stands."""
    words = "Say in the .jsonl file where each line of text stands."
    return click.option("--lines", is_flag=True, help=words)(command)


def check_lines(out: Path | None, kind: Kind | None = None, *, lines: bool) -> None:
    """Raises UsageError when lines are asked for and there is no file to write them into."""
    if lines and not (out and (kind or kind_of(out)) is Kind.JSONL):
        raise click.UsageError("--lines says where lines stand in a .jsonl file; name one with --out.")


def check_logprobs(out: Path | None, wanted: Mapping[str, Any]) -> None:
    """Raises UsageError when they are asked for and the results go into a file that has no room for them."""
    if "logprobs" in wanted and out and kind_of(out) is not Kind.JSONL:
        raise click.UsageError("--logprobs and --top-logprobs need a .jsonl file; name one with --out.")


def print_json(value: object) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))

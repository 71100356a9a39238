"""The tables in docs/openai.md, from the code: `python -m scripts.openai_parameters --write`."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from scripts.report import write
from web.openai.parameters import BATCH, CHAT, FILE, RESPONSE, Parameter

PAGE = Path(__file__).parents[1] / "docs" / "openai.md"


#: Where they stand in the page.
SECTIONS = {
    "parameters": CHAT,
    "response parameters": RESPONSE,
    "file parameters": FILE,
    "batch parameters": BATCH,
}


def table(parameters: Sequence[Parameter]) -> str:
    """A line for each parameter of a request."""
    lines = ["| parameter | here | |", "|---|---|---|"]
    return "\n".join([*lines, *map(_line, parameters)])


def _line(parameter: Parameter) -> str:
    values = ", ".join(f"`{json.dumps(value)}`" for value in parameter.neutral)
    note = f"{parameter.note} Taken: {values}." if values else parameter.note
    return f"| `{parameter.name}` | {parameter.support} | {note.strip()} |"


@click.command()
@click.option("--write", "is_written", is_flag=True, help="Put them into docs/openai.md.")
def main(is_written: bool) -> None:
    """Print the tables."""
    for section, parameters in SECTIONS.items():
        if is_written:
            write(section, table(parameters), PAGE)
        click.echo(table(parameters))


if __name__ == "__main__":
    main()

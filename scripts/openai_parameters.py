"""The table of parameters in docs/openai.md, from the code: `python -m scripts.openai_parameters --write`."""

import json
from pathlib import Path

import click

from scripts.report import write
from web.openai.parameters import CHAT, Parameter

PAGE = Path(__file__).parents[1] / "docs" / "openai.md"


def table() -> str:
    """A line for each parameter of a request for a chat completion."""
    lines = ["| parameter | here | |", "|---|---|---|"]
    return "\n".join([*lines, *map(_line, CHAT)])


def _line(parameter: Parameter) -> str:
    values = ", ".join(f"`{json.dumps(value)}`" for value in parameter.neutral)
    note = f"{parameter.note} Taken: {values}." if values else parameter.note
    return f"| `{parameter.name}` | {parameter.support} | {note.strip()} |"


@click.command()
@click.option("--write", "is_written", is_flag=True, help="Put it into docs/openai.md.")
def main(is_written: bool) -> None:
    """Print the table."""
    if is_written:
        write("parameters", table(), PAGE)
    click.echo(table())


if __name__ == "__main__":
    main()

"""Lists of packages as CycloneDX: one for each lock, and one of the environment. See scripts/sbom."""

import subprocess
import sys
from pathlib import Path

import click

LOCKS = Path("docker/locks")
_ENVIRONMENT = "environment"
#: Beside this interpreter, whatever PATH says.
_PROGRAM = Path(sys.executable).with_name("cyclonedx-py")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="dist/sbom")
@click.option("--validate", is_flag=True, help="Hold each against CycloneDX's schema, which takes a minute.")
def write(folder: Path, *, validate: bool) -> None:
    """Write all lists into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--output-reproducible", "--validate" if validate else "--no-validate"]
    for lock in sorted(LOCKS.glob("*.txt")):
        _list(folder / f"{lock.stem}.cdx.json", "requirements", str(lock), *options)
    _list(folder / f"{_ENVIRONMENT}.cdx.json", "environment", sys.executable, *options)


def _list(path: Path, *arguments: str) -> None:
    command = [str(_PROGRAM), *arguments, "--output-file", str(path)]
    subprocess.run(command, check=True)
    click.echo(path)


if __name__ == "__main__":
    write(prog_name="sbom")

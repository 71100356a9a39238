"""The command behind `scripts/pin_images`.

Exit codes: 0 all are as their registries have them, 1 some are not (`--check`), 2 a registry did not say.
"""

import sys
from pathlib import Path

import click
import httpx

from scripts.pinning.references import Reference, files, pinned, references
from scripts.pinning.registry import RegistryError, digest_of

_TIMEOUT_S = 30.0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a digest is another.")
@click.option("--root", type=click.Path(path_type=Path, exists=True), default=".", help="The repository.")
def pin(*, check: bool, root: Path) -> None:
    """Write behind each image the digest that its registry has for the tag."""
    texts = {path: path.read_text(encoding="utf-8") for path in files(root)}
    named = {str(one): one for text in texts.values() for one in references(text)}
    digests, is_any_unknown = _digests(list(named.values()))
    changed = {path: pinned(text, digests) for path, text in texts.items()}
    changed = {path: text for path, text in changed.items() if text != texts[path]}
    for path, text in changed.items():
        what = "names others than the registries have" if check else "is written"
        click.echo(f"{path.relative_to(root)} {what}.")
        if not check:
            path.write_text(text, encoding="utf-8")
    sys.exit(2 if is_any_unknown else int(check and bool(changed)))


def _digests(images: list[Reference]) -> tuple[dict[str, str], bool]:
    """The digest of each image by its name and tag, and whether one could not be known."""
    found = {}
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as http:
        for image in images:
            try:
                found[str(image)] = digest_of(http, image)
                click.echo(f"{image}@{found[str(image)]}")
            except RegistryError as error:
                click.echo(f"pin_images: {error}", err=True)
    return found, len(found) < len(images)


if __name__ == "__main__":
    pin(prog_name="pin_images")

"""The long run: `scripts/chaos [--images 2000] [--model nano] [--seed N] [--report FILE]`."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos import faults
from tests.chaos.deployment import Deployment
from tests.chaos.faults import Fault
from tests.chaos.pictures import draw
from tests.chaos.report import markdown
from tests.chaos.run import Story, run
from tests.chaos.servers import RedisServer, Server, WatchedPair

#: Images of the Sentinel scenario, as a part of those of the main one.
_SENTINEL_SHARE = 10
#: Longest time from the last fault until all is answered, in seconds.
_PATIENCE_S = 600.0


def everything(files_per_upload: int) -> list[Fault]:
    """The faults of the main scenario, in which one call in ten to the blob store fails throughout."""
    return [
        *[faults.KillWorker()] * 20,
        faults.StopWorker(for_s=40),
        *[faults.TermStorm()] * 3,
        *[faults.KillRedis()] * 3,
        faults.RestartRedis(),
        *[faults.KillWeb(files_per_upload)] * 3,
        *[faults.Stall()] * 2,
        *[faults.Reset()] * 3,
        *[faults.Delay()] * 2,
    ]


def sentinel(files_per_upload: int) -> list[Fault]:
    """The faults of the scenario with Redis Sentinel."""
    return [faults.FailOver(), faults.KillWorker(), faults.KillWeb(files_per_upload), faults.FailOver()]


def main() -> int:
    """Run the scenarios; 0 when everything held."""
    args = _parser().parse_args()
    folder = Path(tempfile.mkdtemp(prefix="eva01-chaos-"))
    print(f"Seed {args.seed}. Logs are in {folder}.", flush=True)
    stories = []
    if args.scenario in ("faults", "all"):
        plan = everything(args.images // 40)
        stories.append(_run("Faults", args, folder, RedisServer(folder), args.images, plan))
    if args.scenario in ("sentinel", "all"):
        images = args.images // _SENTINEL_SHARE
        plan = sentinel(images // 8)
        stories.append(_run("Sentinel", args, folder, WatchedPair(folder), images, plan))
    text = markdown(stories)
    print(f"\n{text}")
    if args.report:
        args.report.write_text(text)
    if not all(story.is_good for story in stories):
        return 1
    shutil.rmtree(folder)
    return 0


def _run(
    title: str, args: argparse.Namespace, folder: Path, server: Server, images: int, plan: list[Fault]
) -> Story:
    folder /= title.lower()
    folder.mkdir()
    pictures = draw(images, args.seed, folder / "pictures")
    deployment = Deployment(
        folder, pictures, server, model=args.model, seed=args.seed, patience_s=_PATIENCE_S
    )
    try:
        deployment.begin()
        return run(deployment, plan, title=title, pause_s=(1.0, 5.0))
    finally:
        deployment.end()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="Break everything, and look what is lost."
    )
    parser.add_argument("--images", type=int, default=2000, help="how many are sent (default 2000)")
    parser.add_argument("--model", default="nano", help="nano, or the quick stub (default nano)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run's order")
    parser.add_argument("--scenario", choices=("faults", "sentinel", "all"), default="all")
    parser.add_argument("--report", type=Path, help="where to write what happened, as Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(main())

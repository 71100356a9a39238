"""Train the bundled `nano` model: `python scripts/train_nano.py` from the repository's root.

About 70 minutes on two idle cores. A run that was stopped goes on with `--resume`.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402 - the repository's root has to be on the path first

from scripts.nano.training import Plan, Trainer  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--vision-steps", type=int, default=Plan.vision_steps)
    parser.add_argument("--answer-steps", type=int, default=Plan.answer_steps)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "worker/models/nano")
    parser.add_argument("--work-dir", type=Path, default=Path(tempfile.gettempdir()) / "nano")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--export-only", action="store_true", help="export the last checkpoint and stop")
    return parser.parse_args()


def main() -> None:
    """Train, then export."""
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    args.work_dir.mkdir(parents=True, exist_ok=True)
    plan = Plan(args.seed, args.vision_steps, args.answer_steps)
    trainer = Trainer(plan, args.work_dir / "checkpoint.pt")
    if args.resume or args.export_only:
        trainer.load()
    if not args.export_only:
        trainer.run()
    trainer.export(args.out)


if __name__ == "__main__":
    main()

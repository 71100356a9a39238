"""Train the bundled `nano` model: `python scripts/train_nano.py` from the repository's root.

About 90 minutes on two idle cores; a few on a GPU, with `--device cuda --drawers 14`. A run that was stopped
goes on with `--resume`.
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
    parser.add_argument("--again-steps", type=int, default=Plan.again_steps)
    parser.add_argument("--device", default="cpu", help="where it is trained: cpu or cuda")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw scenes")
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
    torch.set_default_device(args.device)
    torch.backends.cudnn.allow_tf32 = False  # else a GPU rounds convolutions, and only these, to 10 bits
    args.work_dir.mkdir(parents=True, exist_ok=True)
    plan = Plan(args.seed, args.vision_steps, args.answer_steps, args.again_steps)
    trainer = Trainer(plan, args.work_dir / "checkpoint.pt", drawers=args.drawers)
    if args.resume or args.export_only:
        trainer.load()
    if not args.export_only:
        trainer.run()
    trainer.export(args.out)


if __name__ == "__main__":
    main()

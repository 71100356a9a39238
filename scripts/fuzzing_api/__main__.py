"""The command behind `scripts/fuzz_api`."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.fuzzing_api.checking import check
from scripts.fuzzing_api.house import House


def main() -> None:
    """Call, tell; exits with 1 when an answer was not as the document says."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz_api", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests that are drawn for each call")
    parser.add_argument("--seed", type=int, help="draws others than each time")
    given = parser.parse_args()
    is_clean = True
    for who, as_admin in {"an admin": True, "two users": False}.items():
        with TemporaryDirectory(prefix="eva01-fuzz-api-") as folder, House(Path(folder)) as house:
            run = check(house, as_admin=as_admin, examples=given.examples, seed=given.seed)
        is_clean = is_clean and run.is_clean
        if not run.is_clean:
            print(run.text)
        outcome = "every answer is as documented" if run.is_clean else "NOT every answer is as documented"
        print(f"As {who}: {run.requests:,} requests; {outcome}.", flush=True)
        if never := run.never_done():
            print(f"Never done: {', '.join(never)}.")
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()

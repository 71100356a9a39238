"""One run of schemathesis: every call of the document, with requests that fit it and requests that do not."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from scripts.fuzzing_api.house import ADMIN, ROOT, USERS, House

#: What schemathesis calls its kinds of requests.
ALL_PHASES = "examples,coverage,fuzzing,stateful"
_CONFIG = Path(__file__).with_name("schemathesis.toml")


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    is_clean: bool
    #: What schemathesis has printed.
    text: str
    requests: int
    #: How many answers of each status every call gave.
    answers: dict[str, dict[str, int]]

    def never_done(self) -> list[str]:
        """The calls none of whose requests was done."""
        return [call for call, given in self.answers.items() if not {one[0] for one in given} & {"2", "3"}]


def check(
    house: House, *, as_admin: bool, examples: int, seed: int | None = None, phases: str = ALL_PHASES
) -> Run:
    """Call everything as an admin, or as two users in turn who may not see each other's things.

    `examples` is how many requests are drawn for a call, besides those that cover its parameters one by one.
    With `seed` others are drawn than each time. The phase `stateful`, in which a call is given what an answer
    to another said, differs with these answers, and so from run to run.
    """
    folder, who = house.folder, (ADMIN,) if as_admin else USERS
    config, callers, answers = folder / _CONFIG.name, folder / "callers.json", folder / "answers.json"
    callers.write_text(json.dumps({"auth": [_caller(name, house.keys[name]) for name in who]}))
    filled = {
        "callers": str(callers),
        "peers": "" if as_admin else f"peers = {json.dumps(who)}",
        "is_same": json.dumps(seed is None),
        **house.things(who[0]),
    }
    config.write_text(Template(_CONFIG.read_text()).substitute(filled))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)]
    command += ["run", f"{house.url}/openapi.json", "--checks", "all", "--max-examples", str(examples)]
    command += ["--phases", phases]
    command += [] if seed is None else ["--seed", str(seed)]
    env = {**os.environ, "EVA01_ANSWERS": str(answers), "PYTHONPATH": str(ROOT)}
    # In that folder: schemathesis leaves files where it runs.
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    given = json.loads(answers.read_text())
    requests = sum(sum(counts.values()) for counts in given.values())
    return Run(done.returncode == 0, done.stdout + done.stderr, requests, given)


def _caller(name: str, key: str) -> dict[str, object]:
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}

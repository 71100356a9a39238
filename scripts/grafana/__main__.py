"""Write the dashboards, and the rules they need on one machine: `python -m scripts.grafana`."""

import json
from pathlib import Path

from scripts.grafana.fleet import fleet
from scripts.grafana.metrics import CodeMetrics
from scripts.grafana.rules import rules
from scripts.grafana.service import service

ROOT = Path(__file__).parents[2]


def written() -> dict[str, str]:
    """Path from the repository's root → text, as it is committed."""
    code = CodeMetrics()
    texts = {
        f"k8s/components/monitoring/dashboards/{board['uid']}.json": json.dumps(
            board, indent=2, ensure_ascii=False
        )
        + "\n"
        for board in (service(code), fleet(code))
    }
    return texts | {"docker/rules.yml": rules()}


def main() -> None:
    """Write all of them."""
    for name, text in written().items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"Wrote {name}.")


if __name__ == "__main__":
    main()

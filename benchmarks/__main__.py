"""``python -m benchmarks`` (``make bench``): what is done in a few minutes. Each file takes options of its own; see README.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUICK = (
    ("pipeline.py", "--people", "2000", "--repeats", "3"),
    ("mentoring_peer.py", "--n", "400", "--repeats", "3"),
    ("skills.py", "--part", "own", "--part", "turned", "--part", "speed", "--part", "statements"),
    ("linking.py", "--part", "roles"),
)


def main() -> None:
    folder = Path(__file__).resolve().parent
    failed = 0
    for name, *arguments in QUICK:
        print(f"\n{name} {' '.join(arguments)}", flush=True)
        failed += subprocess.run([sys.executable, str(folder / name), *arguments], check=False).returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

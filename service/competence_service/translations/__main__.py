"""Bring the Swedish texts up to date; tells which still lack a translation."""

from __future__ import annotations

import sys

from competence_service.translations import update

if __name__ == "__main__":
    lacking = update()
    sys.stdout.write("".join(f"no Swedish yet: {text}\n" for text in lacking))
    sys.exit(bool(lacking))

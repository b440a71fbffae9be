"""Every sentence the library says, in Swedish and English, as data.

``sv.toml`` and ``en.toml`` hold the same keys (a test compares them). Code asks by key and gives the values; no
sentence is built anywhere else.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["LANGUAGES", "keys", "text"]

LANGUAGES = ("sv", "en")


@cache
def _texts(lang: str) -> dict[str, str]:
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}; got {lang!r}")
    tree = tomllib.loads((files(__package__) / f"{lang}.toml").read_text(encoding="utf-8"))
    flat: dict[str, str] = {}
    _flatten(tree, "", flat)
    return flat


def _flatten(tree: dict[str, Any], prefix: str, flat: dict[str, str]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", flat)
        else:
            flat[f"{prefix}{key}"] = str(value)


def keys(lang: str) -> frozenset[str]:
    """Return the keys that have a text in ``lang``."""
    return frozenset(_texts(lang))


def text(key: str, lang: str = "sv", **values: object) -> str:
    """Return the text of ``key`` in ``lang`` with ``{names}`` filled in.

    Raises
    ------
    KeyError
        If the key has no text: a programming fault that the tests catch, never shown to a user.
    """
    return _texts(lang)[key].format(**values)

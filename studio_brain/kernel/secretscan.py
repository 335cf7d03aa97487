"""Recognises Stripe's secret keys (`sk_`, `rk_`, `whsec_`) wherever they turn up, so that they can be refused.

The brain holds no Stripe key of any kind. A locale name such as `sk_SK.UTF-8` is not a key.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_KEY = re.compile(r"(?<![A-Za-z0-9_])(?:(?:sk|rk)_(?![A-Z]{2}(?![A-Za-z0-9_]))|whsec_)[A-Za-z0-9+/=_-]+")


def holds_secret_key(text: str) -> bool:
    return "_" in text and _KEY.search(text) is not None


def secret_paths(value: Any, path: str = "") -> Iterator[str]:
    """The places in a JSON value (or mapping of settings) that hold such a key: `notes`, `items[2].text`. Never the
    key."""
    if isinstance(value, str):
        if holds_secret_key(value):
            yield path or "(the value itself)"
    elif isinstance(value, Mapping):
        for name, member in value.items():
            here = f"{path}.{name}" if path else str(name)
            if holds_secret_key(str(name)):
                yield f"{path or '(top level)'}: a name"
            yield from secret_paths(member, here)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from secret_paths(item, f"{path}[{index}]")

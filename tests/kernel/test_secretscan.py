"""Stripe's keys are recognised wherever they stand; what merely looks similar is not."""

import pytest

from studio_brain.kernel.secretscan import holds_secret_key, secret_paths

LIVE = "sk" + "_live_51H8xyzABCDEFGHIJKLMNOP"


@pytest.mark.parametrize(
    "text",
    [
        LIVE,
        "sk" + "_test_abc",
        "rk" + "_live_0123456789",
        "whsec" + "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        f"please use {LIVE} for it",
        f'{{"key":"{LIVE}"}}',
        "STRIPE=" + "rk" + "_test_1",
    ],
)
def test_a_key_is_recognised(text: str) -> None:
    assert holds_secret_key(text)


@pytest.mark.parametrize(
    "text",
    ["sk_SK.UTF-8", "sk_SK", "LANG=sk_SK.UTF-8", "desk_lamp", "risk_level", "task_12", "mark_up", "", "whsec", "rk"],
)
def test_what_is_no_key_passes(text: str) -> None:
    assert not holds_secret_key(text)


def test_places_are_named_and_the_key_is_not() -> None:
    found = list(secret_paths({"a": [{"b": LIVE}], "c": "fine", LIVE: 1}))
    assert found == ["a[0].b", "(top level): a name"]
    assert LIVE not in "".join(found)

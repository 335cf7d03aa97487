"""Settings: every fault names its field and the mend; secrets and unsafe combinations refuse to start."""

from pathlib import Path

import pytest

from studio_brain.home.settings import Settings, is_loopback, load_settings
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.policy import Role
from studio_brain.kernel.reasons import ReasonCode

KEY = "sk" + "_live_51H8xyzABCDEFGHIJ"
GOOD = """
[[tenant]]
id = "lantern-yard"
name = "Lantern Yard"
time_zone = "America/Phoenix"

[tenant.cloud]
project = "lantern-yard"
functions = "https://us-central1-lantern-yard.cloudfunctions.net"
api_key = "public-web-key"

[[tenant.account]]
id = "uid-1"
email = "imke@example.org"
name = "Imke"
role = "owner"
"""


def load(tmp_path: Path, text: str, **environment: str) -> Settings:
    path = tmp_path / "studio.toml"
    path.write_text(text)
    return load_settings(path, environment)


def test_a_good_file_gives_typed_settings(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    tenant = settings.tenant_named("lantern-yard")
    assert tenant is not None
    assert tenant.account[0].role is Role.OWNER
    assert tenant.cloud is not None
    assert tenant.cloud.firestore == "https://firestore.googleapis.com"
    assert settings.tenant_named("other") is None


def test_no_file_is_an_empty_installation(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml", {}) == Settings()


def test_the_environment_lies_on_top(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        GOOD,
        STUDIO_BRAIN_ENGINE__LOG_LEVEL="debug",
        STUDIO_BRAIN_ENGINE__HEALTH_EVERY_S="30",
        STUDIO_BRAIN_TENANT__0__TIME_ZONE="Europe/Berlin",
        STUDIO_BRAIN_HOME="/somewhere",
        OTHER="x",
    )
    assert settings.engine.log_level == "debug"
    assert settings.engine.health_every_s == 30
    assert settings.tenant[0].time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("find", "replace", "says"),
    [
        ('"America/Phoenix"', '"Phoenix"', "tenant.0.time_zone: write an IANA name"),
        ("https://us-central1", "http://us-central1", "tenant.0.cloud.functions: plain http"),
        ("https://us-central1", "https://user:pw@us-central1", "no user, password"),
        ('"https://us-central1-lantern-yard.cloudfunctions.net"', '"us-central1"', "write a full address"),
        ('id = "lantern-yard"', 'id = "Lantern Yard"', "tenant.0.id"),
        ('id = "lantern-yard"', 'id = "_system"', "tenant.0.id"),
        ('role = "owner"', 'role = "boss"', "tenant.0.account.0.role"),
        ("imke@example.org", "imke", "tenant.0.account.0.email"),
        ('name = "Imke"', 'nmae = "Imke"', "there is no such setting"),
        ("[[tenant]]", "[tenant]", "tenant"),
        ("time_zone =", "time_zone", "not TOML"),
    ],
)
def test_a_fault_names_its_field_and_the_mend(tmp_path: Path, find: str, replace: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace(find, replace, 1))
    assert says in caught.value.detail
    assert "pydantic" not in caught.value.detail


def test_a_studio_stands_in_the_file_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        load(tmp_path, GOOD + GOOD)


@pytest.mark.parametrize("prefix", ["sk_live_", "rk_test_", "whsec_"])
def test_keys_of_stripe_are_refused_in_the_file(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace("public-web-key", prefix + "abc123"))
    assert caught.value.code is ReasonCode.SECRET_IN_SETTINGS
    assert "tenant[0].cloud.api_key" in caught.value.detail
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["sk_live_", "rk_test_", "whsec_"])
def test_keys_of_stripe_are_refused_anywhere_in_the_environment(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD, SOME_TOOL_KEY=prefix + "abc123")
    assert caught.value.code is ReasonCode.SECRET_IN_SETTINGS
    assert "SOME_TOOL_KEY" in caught.value.detail
    assert "abc123" not in str(caught.value) + caught.value.remedy


def test_a_slovak_locale_is_no_secret(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, LANG="sk_SK.UTF-8").tenant


def test_practice_is_only_for_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not on this machine"):
        load(tmp_path, "practice = true\n" + GOOD)


@pytest.mark.parametrize(
    ("url", "says"),
    [("mysql://x/y", "only postgresql"), ("postgresql://u:hunter2@h/d", "keyring")],
)
def test_a_database_address_is_postgresql_and_holds_no_password(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(tmp_path, f'[database]\nurl = "{url}"\n')
    assert "hunter2" not in str(caught.value)


def test_an_environment_variable_that_names_no_setting_is_named(tmp_path: Path) -> None:
    for name in ("STUDIO_BRAIN_NONSENSE", "STUDIO_BRAIN_TENANT__9__NAME", "STUDIO_BRAIN_TENANT__X__NAME"):
        with pytest.raises(ConfigError):
            load(tmp_path, GOOD, **{name: "x"})


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:80", True),
        ("http://localhost", True),
        ("http://[::1]:9", True),
        ("http://127.0.0.1.example.org", False),
        ("https://example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_what_is_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback

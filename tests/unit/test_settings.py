"""Settings: typed, with defaults, and refused with the file and the field named."""

from pathlib import Path

import pytest

from etappe import settings as module
from etappe.errors import SettingsError
from etappe.settings import Place, Settings, load, place, shared_metrics


def _written(folder: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    (folder / "etappe.toml").write_bytes(data)
    return folder


def test_no_file_means_defaults(tmp_path: Path) -> None:
    """Without `etappe.toml`, as with an empty one, every setting has its default."""
    assert Settings() == load(tmp_path)
    assert Settings() == load(_written(tmp_path, ""))


def test_file_overrides_what_it_names(tmp_path: Path) -> None:
    """A value in the file counts, what the file does not name keeps its default."""
    found = load(_written(tmp_path, '[consent]\nunknown = "deny"\n[learning]\nhalf_life_days = 30\n'))
    assert (found.consent.unknown, found.learning.half_life_days, found.learning.factors) == ("deny", 30.0, 64)


def test_file_is_utf8(tmp_path: Path) -> None:
    """Names beyond ASCII are read as UTF-8 whatever the machine's locale."""
    assert load(_written(tmp_path, '[showing]\nbought_once = ["Möbel"]\n')).showing.bought_once == ("Möbel",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[stor]\nbudget_ms = 1\n", "stor"),
        ("[store]\nbudget = 1\n", r"budget.*\$\.store"),
        ("[store]\nbudget_ms = 0\n", r"\$\.store\.budget_ms"),
        ("[store]\nbudget_ms = nan\n", r"\$\.store\.budget_ms"),
        ("[store]\nlease_seconds = inf\n", r"\$\.store\.lease_seconds"),
        ("[store]\ntail_limit = 1.5\n", r"\$\.store\.tail_limit"),
        ('[consent]\nunknown = "perhaps"\n', r"perhaps.*\$\.consent\.unknown"),
        ("[learning]\nhalf_life_days = 2\n", r">= 7.*\$\.learning\.half_life_days"),
        ("[learning]\nregularisation = -1\n", r"\$\.learning\.regularisation"),
        ("[showing]\nfloor_days = -1\n", r"\$\.showing\.floor_days"),
        ('[showing]\nbought_once = "books"\n', r"\$\.showing\.bought_once"),
        ('[catalogue]\ncurrency = "EUR"\n', "currency"),
        ("[store\n", "line 1"),
        (b"[showing]\nbought_once = ['\xff']\n", "utf-8"),
        ("x = " + "[" * 50_000, "recursion"),
        ("x = " + "9" * 5_000, "digits"),
    ],
)
def test_bad_setting_is_refused(tmp_path: Path, text: str | bytes, named: str) -> None:
    """An unknown key, a value out of its bounds or of the wrong type, and no TOML: file, field, where to look."""
    with pytest.raises(SettingsError, match=rf"(?s)etappe\.toml: .*{named}.*docs/settings\.md"):
        load(_written(tmp_path, text))


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A file that cannot be read is an error, not a reason for the defaults."""
    (tmp_path / "etappe.toml").mkdir()
    with pytest.raises(SettingsError, match=r"etappe\.toml cannot be read"):
        load(tmp_path)


def test_digest_follows_the_settings() -> None:
    """Equal settings have one digest, different ones another."""
    other = Settings(consent=module.Consent(unknown="deny"))
    assert Settings().digest() == Settings().digest()
    assert Settings().digest() != other.digest()


def test_place_defaults() -> None:
    """Without options or environment the data folder is ./etappe-data, Redis is embedded, keys are needed."""
    assert Place(Path.cwd() / "etappe-data", None, auth=True) == place(environ={})


def test_place_from_environment() -> None:
    """The environment names folder, Redis and strictness; an empty value is none."""
    environ = {"ETAPPE_DATA": "/d", "ETAPPE_REDIS": "redis://h", "ETAPPE_AUTH": "OFF"}
    assert Place(Path("/d"), "redis://h", auth=False) == place(environ=environ)
    assert place(environ={}) == place(environ={"ETAPPE_DATA": "", "ETAPPE_REDIS": ""})


def test_options_come_before_the_environment(tmp_path: Path) -> None:
    """A command-line option overrides the environment."""
    environ = {"ETAPPE_DATA": "/d", "ETAPPE_REDIS": "redis://h"}
    assert Place(tmp_path, "redis://o", auth=True) == place(tmp_path, "redis://o", environ)


def test_bad_auth_is_refused() -> None:
    """ETAPPE_AUTH is on or off; anything else would leave the door in doubt."""
    with pytest.raises(SettingsError, match="ETAPPE_AUTH is 'of'; set it to on or off"):
        place(environ={"ETAPPE_AUTH": "of"})


@pytest.mark.parametrize("given", [Place(Path("/d"), "redis://h", auth=False), Place(Path("/d"), None, auth=True)])
def test_place_survives_the_environment(given: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is started with a place's environment finds the same place."""
    monkeypatch.delenv("ETAPPE_REDIS", raising=False)
    assert given == place(environ=given.environment())


def test_shared_metrics() -> None:
    """Where serving processes share their metrics is told by the environment alone."""
    assert [shared_metrics({}), shared_metrics({"PROMETHEUS_MULTIPROC_DIR": "/m"})] == [None, "/m"]

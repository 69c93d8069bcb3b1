"""Every test has a data folder of its own, so that none touches the user's; no example of a property is timed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("samantha", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("samantha")


@pytest.fixture(autouse=True)
def samantha_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this test; not made yet."""
    home = tmp_path / "samantha-home"
    monkeypatch.setenv("SAMANTHA_HOME", str(home))
    return home

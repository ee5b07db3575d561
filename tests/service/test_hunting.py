"""Hunts through uploads of a moment ago."""

from pathlib import Path

import pytest

from hashsvc.errors import UnavailableError
from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(7)


def test_what_is_not_in_the_ring_yet_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hunt and a dry run that would miss uploads still being written say so; later they are made."""
    with Service.open(tmp_path / "data") as service:
        service.match(an_upload([(VIDEO, 0.0, 20.0, 1.0)]), content_id="post-1")
        entry = service.confirm(DEFAULT_BANK, VIDEO)
        flush = service._recorder.flush
        monkeypatch.setattr(service._recorder, "flush", lambda: False)
        for look in (lambda: service.hunt(DEFAULT_BANK, entry.entry), lambda: service.dry_run(DEFAULT_BANK, VIDEO)):
            with pytest.raises(UnavailableError) as caught:
                look()
            assert caught.value.reason == "OVERLOADED"
        monkeypatch.setattr(service._recorder, "flush", flush)
        assert service.hunt(DEFAULT_BANK, entry.entry).hits == 1

"""Banks that take labels of the taxonomy only."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from hashsvc.bank.model import Details
from hashsvc.config import Settings, TaxonomySettings
from hashsvc.errors import InvalidInputError
from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference

CURRENT, RETIRED = "perpetrator-produced-content", "content-incident-protocol"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """With a bank `strict` that takes no others."""
    with Service.open(tmp_path / "data") as opened:
        opened.create_bank("strict", taxonomy_only=True)
        yield opened


def refused(call: Callable[[], object], reason: str) -> None:
    """It raises an error with that reason."""
    with pytest.raises(InvalidInputError) as caught:
        call()
    assert caught.value.reason == reason


def test_only_current_labels(service: Service) -> None:
    """Others are refused before anything is hashed or written, and the entry says which taxonomy its labels are of."""
    for label, reason in (("gore", "LABEL_UNKNOWN"), (RETIRED, "LABEL_RETIRED")):
        refused(partial(service.confirm, "strict", a_reference(1), labels=[label]), reason)
        refused(partial(service.confirm_media, "strict", Path("nothing.mp4"), labels=[label]), reason)
        refused(partial(service.dry_run, "strict", a_reference(1), labels=[label]), reason)
    assert service.list_entries("strict").items == ()
    entry = service.confirm("strict", a_reference(1), labels=[CURRENT])
    assert entry.taxonomy == service.list_labels().version
    refused(lambda: service.update_entry("strict", entry.entry, labels=[CURRENT, "gore"]), "LABEL_UNKNOWN")
    assert service.update_entry("strict", entry.entry, labels=[]).taxonomy == ""
    assert service.confirm("strict", a_reference(2)).labels == ()


def test_free_labels(service: Service) -> None:
    """Other banks take any, as ever."""
    entry = service.confirm(DEFAULT_BANK, a_reference(1), labels=["gore", RETIRED])
    assert (entry.labels, entry.taxonomy) == (("gore", RETIRED), "")


def test_what_was_there_before_may_stay(service: Service) -> None:
    """A bank that is kept to the taxonomy later does not lose old labels, and neither does an entry that is changed."""
    entry = service.confirm(DEFAULT_BANK, a_reference(1), labels=["gore", RETIRED])
    service.update_bank(DEFAULT_BANK, taxonomy_only=True)
    assert service.get_entry(DEFAULT_BANK, entry.entry).labels == ("gore", RETIRED)
    moved = service.update_entry(DEFAULT_BANK, entry.entry, details=Details(partner="TAT"))
    assert moved.labels == ("gore", RETIRED)
    kept = service.update_entry(DEFAULT_BANK, entry.entry, labels=[RETIRED, CURRENT])
    assert kept.labels == (RETIRED, CURRENT)
    refused(lambda: service.update_entry(DEFAULT_BANK, entry.entry, labels=["gore"]), "LABEL_UNKNOWN")
    service.update_bank(DEFAULT_BANK, taxonomy_only=False)
    assert service.update_entry(DEFAULT_BANK, entry.entry, labels=["gore"]).labels == ("gore",)


def test_the_configuration_names_another(tmp_path: Path) -> None:
    """Its labels count; labels of the former one stay readable, and a file that is none keeps the service from opening."""
    with Service.open(tmp_path / "data") as service:
        service.create_bank("strict", taxonomy_only=True)
        entry = service.confirm("strict", a_reference(1), labels=[CURRENT])
    file = tmp_path / "ours.toml"
    file.write_text('version = "ours-1"\n[[labels]]\nlabel = "gore"\ntitle = "Gore"\n')
    settings = Settings(taxonomy=TaxonomySettings(file=str(file)))
    with Service.open(tmp_path / "data", settings) as service:
        assert service.get_entry("strict", entry.entry) == entry
        assert service.confirm("strict", a_reference(2), labels=["gore"]).taxonomy == "ours-1"
        refused(lambda: service.confirm("strict", a_reference(3), labels=[CURRENT]), "LABEL_UNKNOWN")
    file.write_text("version = 7\n")
    refused(lambda: Service.open(tmp_path / "data", settings), "CONFIG_INVALID")
    with Service.open(tmp_path / "data") as service:
        assert len(service.list_entries("strict").items) == 2

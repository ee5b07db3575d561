"""Allow banks: harmless footage passes with the reason said, and the attack does not hide behind it."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import BankMode, Policy, Rule, Verdict
from hashsvc.errors import InvalidInputError, PreconditionError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import ALLOWED, MatchResult
from hashsvc.retro.model import HuntState
from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference, an_upload, flipped

FILM = a_reference(5)
RANDOM = np.random.default_rng(7)


def showing(film: Fingerprint, bits: int, seconds: float, seed: int = 1) -> Fingerprint:
    """An attack that begins with so much of a film, so many bits of each hash away from it."""
    attack = a_reference(seed)
    frames = int(seconds * 4)
    for view in range(len(attack.views)):
        attack.hashes[:frames, view] = flipped(film.hashes[:frames, view], bits, RANDOM)
    return attack


ATTACK = showing(FILM, 12, 20.0)
"""40 s, of which the first 20 are the film's."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The attack in the default bank, the film in an allow bank."""
    with Service.open(tmp_path / "data", actor="mia") as opened:
        opened.create_bank("films", mode=BankMode.ALLOW)
        opened.confirm(DEFAULT_BANK, ATTACK, external_id="attack")
        opened.confirm("films", FILM, external_id="film")
        yield opened


def matched(service: Service, upload: Fingerprint, **options: object) -> MatchResult:
    """Judged under the last revision."""
    return service.match(upload, min_revision=service.revision, **options)  # type: ignore[arg-type]


def test_the_film_passes(service: Service) -> None:
    """A copy of the film is ALLOW, and the answer says which entry it excuses and which one explains it."""
    upload = an_upload([(FILM, 2.0, 16.0, 1.0)])
    result = matched(service, upload)
    assert (result.verdict, result.matches) == (Verdict.ALLOW, ())
    [excused] = result.excused
    assert (excused.external_id, excused.by_bank, excused.by_external_id) == ("attack", "films", "film")
    assert excused.reason == ALLOWED
    assert excused.seconds == pytest.approx(16.0, abs=1.0)
    assert excused.segments[0].reference_start == pytest.approx(2.0, abs=1.0)


def test_allow_banks_count_whatever_banks_are_asked_for(service: Service) -> None:
    """Who names the banks to search does not switch them off."""
    upload = an_upload([(FILM, 2.0, 16.0, 1.0)])
    assert matched(service, upload, banks=[DEFAULT_BANK]).verdict is Verdict.ALLOW
    assert matched(service, upload, banks=["films"]).matches == ()


def test_the_attack_is_blocked(service: Service) -> None:
    """What is in no allow bank is blocked as ever."""
    result = matched(service, an_upload([(ATTACK, 21.0, 16.0, 1.0)]))
    assert (result.verdict, result.excused) == (Verdict.BLOCK, ())


def test_both_in_one_upload(service: Service) -> None:
    """Beside the film the attack is blocked for what the film does not explain, which the answer tells apart."""
    result = matched(service, an_upload([(FILM, 4.0, 8.0, 1.0), (ATTACK, 22.0, 12.0, 1.0)]))
    assert result.verdict is Verdict.BLOCK
    [match] = result.matches
    assert match.query_coverage == pytest.approx(12 / 20, abs=0.06)
    assert all(one.query_start > 7.0 and one.reference_start > 20.0 for one in match.segments)
    [excused] = result.excused
    assert excused.seconds == pytest.approx(8.0, abs=1.0)


def test_the_whole_attack(service: Service) -> None:
    """A copy of all of it is blocked for its own half."""
    result = matched(service, an_upload([(ATTACK, 0.0, 40.0, 1.0)]))
    assert result.verdict is Verdict.BLOCK
    [match] = result.matches
    assert match.reference_coverage == pytest.approx(0.5, abs=0.05)
    assert [one.external_id for one in result.excused] == ["attack"]


def test_a_film_does_not_make_the_attack_small(service: Service) -> None:
    """Harmless footage does not count for the share: three times as much of it before the attack leaves it a BLOCK."""
    upload = an_upload([(FILM, 0.0, 40.0, 1.0), (ATTACK, 24.0, 12.0, 1.0)])
    result = matched(service, upload)
    assert result.verdict is Verdict.BLOCK
    [match] = result.matches
    assert match.query_coverage == pytest.approx(12 / 52, abs=0.04)
    assert match.reason.startswith("threshold: block if") and match.reason.endswith(" % of what is not harmless")
    other = matched(service, an_upload([(None, 0.0, 40.0, 1.0), (ATTACK, 24.0, 12.0, 1.0)]))
    assert other.verdict is Verdict.REVIEW


def test_footage_that_only_looks_alike(service: Service) -> None:
    """A copy of an attack that a harmless film resembles, and is not, is blocked."""
    double = showing(FILM, 62, 40.0, seed=3)
    service.confirm(DEFAULT_BANK, double, external_id="double")
    result = matched(service, an_upload([(double, 22.0, 16.0, 1.0)]))
    assert result.verdict is Verdict.BLOCK
    film = matched(service, an_upload([(FILM, 22.0, 16.0, 1.0)]))
    assert film.verdict is Verdict.ALLOW
    assert {one.external_id for one in film.excused} <= {"double"}


def beside(left: Fingerprint, right: Fingerprint) -> Fingerprint:
    """An upload that shows two others at once, side by side."""
    views = ("full", "left-half", "right-half")
    other = np.random.default_rng(3).integers(0, 256, left.hashes.shape, np.uint8)
    return dataclasses.replace(
        left,
        views=views,
        hashes=np.concatenate([other, left.hashes, right.hashes], axis=1),
        quality=np.full((left.frames, 3), 100, np.uint8),
    )


def test_the_film_beside_the_attack(service: Service) -> None:
    """The film in one half of the picture does not excuse what the other half shows at the same time."""
    upload = beside(an_upload([(FILM, 2.0, 16.0, 1.0)]), an_upload([(ATTACK, 22.0, 16.0, 1.0)], seed=98))
    assert matched(service, upload).verdict is Verdict.BLOCK


def test_the_attack_in_a_corner_of_the_film(service: Service) -> None:
    """Where the film fills the picture and the entry shares its footage, what a small picture shows meanwhile is blocked."""
    film = an_upload([(FILM, 2.0, 16.0, 1.0)], bits=10)
    corner = an_upload([(ATTACK, 22.0, 16.0, 1.0)], bits=50, seed=98)
    upload = dataclasses.replace(
        film,
        views=("full", "inside-1"),
        hashes=np.concatenate([film.hashes, corner.hashes], axis=1),
        quality=np.full((film.frames, 2), 100, np.uint8),
    )
    result = matched(service, upload)
    assert result.verdict is Verdict.BLOCK
    [match] = result.matches
    assert {one.view.partition("/")[0] for one in match.segments} == {"inside-1"}
    assert [one.by_external_id for one in result.excused] == ["film"]


def test_equal_bytes(service: Service) -> None:
    """The very bytes of the film are ALLOW, by digest alone and with the fingerprint."""
    digests = Digests(sha256=b"f" * 32)
    service.confirm("films", dataclasses.replace(a_reference(9), digests=digests))
    service.confirm(DEFAULT_BANK, dataclasses.replace(a_reference(10), digests=digests), external_id="same")
    by_digest = matched(service, digests)  # type: ignore[arg-type]
    assert (by_digest.verdict, [one.external_id for one in by_digest.excused]) == (Verdict.ALLOW, ["same"])
    upload = dataclasses.replace(an_upload([(ATTACK, 21.0, 16.0, 1.0)]), digests=digests)
    result = matched(service, upload)
    assert result.verdict is Verdict.ALLOW
    assert {one.external_id for one in result.excused} == {"same", "attack"}


def test_only_confirmed_entries_excuse(service: Service) -> None:
    """Nobody makes an attack pass alone in an allow bank of two people, and what is withdrawn excuses nothing."""
    service.create_bank("games", mode=BankMode.ALLOW, two_person=True)
    copy = dataclasses.replace(ATTACK, digests=Digests(sha256=b"c" * 32))
    upload = an_upload([(ATTACK, 22.0, 16.0, 1.0)])
    candidate = service.confirm("games", copy)
    assert matched(service, upload).verdict is Verdict.BLOCK
    assert matched(service, dataclasses.replace(upload, digests=copy.digests)).verdict is Verdict.BLOCK
    service.approve("games", candidate.entry, actor="örn")
    assert matched(service, upload).verdict is Verdict.ALLOW
    service.withdraw("games", candidate.entry)
    assert matched(service, upload).verdict is Verdict.BLOCK


def test_what_an_allow_bank_does_not_do(service: Service) -> None:
    """It is not exported, hunted for, tried with edits or turned into another; another does not become one; no rules."""
    [film] = service.list_entries("films").items
    for call in (
        lambda: list(service.export("films", "jsonl")),
        lambda: service.hunt("films", film.entry),
        lambda: service.dry_run("films", FILM),
        lambda: service.vaccinate("films", film.entry, Path("film.mp4")),
        lambda: service.update_bank("films", mode=BankMode.ENFORCE),
        lambda: service.update_bank(DEFAULT_BANK, mode=BankMode.ALLOW),
    ):
        with pytest.raises(PreconditionError) as caught:
            call()
        assert caught.value.reason == "BANK_MODE"
    with pytest.raises(InvalidInputError):
        service.update_bank("films", policy=Policy(rules=(Rule(verdict=Verdict.BLOCK),)))
    assert service.update_bank("films", description="films", mode=BankMode.ALLOW).description == "films"


def test_it_is_not_hunted_for_in_the_background(tmp_path: Path) -> None:
    """A server hunts for what is confirmed after it, in the same order, and not for the film."""
    with Service.open(tmp_path / "data", hunt=True) as service:
        service.create_bank("films", mode=BankMode.ALLOW)
        service.match(an_upload([(FILM, 2.0, 16.0, 1.0)]), content_id="post-1")
        service.match(an_upload([(ATTACK, 22.0, 16.0, 1.0)]), content_id="post-2")
        film = service.confirm("films", FILM)
        attack = service.confirm(DEFAULT_BANK, ATTACK)
        hits = [event for event in _until_hunted(service, attack.entry) if event.endswith("retro.hits")]
        assert hits == ["org.hashsvc.retro.hits"]
        for _ in range(100):
            if service.get_hunt(DEFAULT_BANK, attack.entry).state is HuntState.DONE:
                break
            time.sleep(0.1)
        assert [one.content_id for one in service.list_hits(DEFAULT_BANK, attack.entry).items] == ["post-2"]
        assert service.get_hunt("films", film.entry).searched == 0


def _until_hunted(service: Service, entry: str) -> Iterator[str]:
    """Kinds of the events up to the one that tells of a hunt for the entry."""
    for event in service.watch(after=0):
        yield event.type
        if event.type.endswith("retro.hits") and event.data["entry"] == entry:
            return

"""From a video to a verdict, through the service, with copies made here."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Depth, Entry, Interval, Policy, Verdict
from hashsvc.demo import edits, video
from hashsvc.demo.video import Clip, Encoding
from hashsvc.errors import InvalidInputError, UnavailableError
from hashsvc.fingerprint import hasher
from hashsvc.fingerprint.hasher import fingerprint_query, fingerprint_reference
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.model import EXCLUDED, Excused, MatchResult
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index.errors import BankNotFoundError
from tests.match.synthetic import a_reference, an_upload, flipped
from tests.match.test_curves import a_curve
from tests.media.footage import LIMITS

Matched = Callable[[Clip, Encoding], MatchResult]
SECONDS = 14.0
PLAIN = Encoding()


@pytest.fixture(scope="module")
def confirmed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Entry]]:
    """A service with a single entry, the original, in its only bank."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hasher, "videohash_of", lambda path: "")
        fingerprint = fingerprint_reference(original, DEFAULT, LIMITS)
    with Service.open(tmp_path_factory.mktemp("matcher") / "data") as service:
        entry = service.confirm(DEFAULT_BANK, fingerprint, external_id="original")
        assert service.match(Digests(md5=bytes(16)), min_revision=entry.revision).verdict is Verdict.ALLOW
        yield service, entry


@pytest.fixture
def matched(confirmed: tuple[Service, Entry], tmp_path: Path) -> Matched:
    """Writes a clip and matches it."""

    def match(clip: Clip, encoding: Encoding) -> MatchResult:
        video.write(tmp_path / "upload.mp4", clip, encoding)
        return confirmed[0].match(fingerprint_query(tmp_path / "upload.mp4", DEFAULT, LIMITS))

    return match


COPIES: dict[str, tuple[edits.Edit, Encoding, tuple[float, float], float, str]] = {
    "re-encoded small": (edits.resize(160, 90), Encoding(crf=32), (0.0, SECONDS), 1.0, "full/full"),
    "1.5 times as fast": (edits.speed(1.5), PLAIN, (0.0, SECONDS), 1.5, "full/full"),
    "0.8 times as fast": (edits.speed(0.8), PLAIN, (0.0, SECONDS), 0.8, "full/full"),
    "ten seconds": (edits.cut(2.5, 10.0), PLAIN, (2.5, 12.5), 1.0, "full/full"),
    "five seconds": (edits.cut(7.3, 5.0), PLAIN, (7.3, 12.3), 1.0, "full/full"),
    "mirrored": (edits.mirror, PLAIN, (0.0, SECONDS), 1.0, "full/mirror"),
    "letterboxed": (edits.letterbox(0.25), PLAIN, (0.0, SECONDS), 1.0, "area/full"),
    "six frames a second": (
        edits.resample(Fraction(6)), Encoding(keyframes=10_000, cut_keyframes=False), (0.0, SECONDS), 1.0, "full/full",
    ),
    "five seconds, mirrored, dark and small": (
        edits.chain(edits.cut(3.1, 5.0), edits.mirror, edits.tone(gamma=1.4), edits.resize(160, 90)),
        Encoding(crf=30), (3.1, 8.1), 1.0, "full/mirror",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_blocked(kind: str, original: Path, matched: Matched, confirmed: tuple[Service, Entry]) -> None:
    """Each copy is blocked for the one entry there is, with interval, speed and view of what was done to it."""
    edit, encoding, (start, end), speed, view = COPIES[kind]
    result = matched(edit(video.read(original)), encoding)
    assert result.verdict is Verdict.BLOCK
    [match] = result.matches
    assert (match.bank, match.entry, match.external_id) == (DEFAULT_BANK, confirmed[1].entry, "original")
    assert match.verdict is Verdict.BLOCK and match.digest == ""
    assert match.evidence <= Policy().block_evidence
    assert match.query_coverage > 0.85
    assert match.reference_coverage == pytest.approx((end - start) / SECONDS, abs=0.1)
    first, last = match.segments[0], match.segments[-1]
    assert first.query_start == pytest.approx(0.0, abs=1.0)
    assert last.query_end == pytest.approx((end - start) / speed, abs=1.0)
    assert first.reference_start == pytest.approx(start, abs=1.0)
    assert last.reference_end == pytest.approx(end, abs=1.0)
    longest = max(match.segments, key=lambda one: one.query_end - one.query_start)
    assert longest.speed == pytest.approx(speed, rel=0.05)
    assert longest.view == view
    assert all(one.query_start < one.query_end and one.reference_start < one.reference_end for one in match.segments)


def test_an_excerpt_in_a_longer_upload_is_for_people(original: Path, unrelated: Path, matched: Matched) -> None:
    """Five known seconds in an upload of sixteen are found where they are, and not blocked by a machine."""
    known = edits.cut(4.0, 5.0)(video.read(original))
    others = [video.read(unrelated), edits.cut(0.0, 3.0)(video.make(23, seconds=3.0, size=(320, 180), rate=known.rate))]
    frames = itertools.chain(others[0].frames, known.frames, others[1].frames)
    result = matched(Clip(frames=frames, rate=known.rate), PLAIN)
    assert result.verdict is Verdict.REVIEW
    [match] = result.matches
    assert match.query_coverage == pytest.approx(5 / 16, abs=0.08)
    assert match.segments[0].query_start == pytest.approx(8.0, abs=1.0)
    assert match.segments[-1].query_end == pytest.approx(13.0, abs=1.0)
    assert match.segments[0].reference_start == pytest.approx(4.0, abs=1.0)


def test_unrelated_footage_is_allowed(unrelated: Path, matched: Matched) -> None:
    """Nothing is said of footage that has nothing to do with the entry, plain or bordered or mirrored."""
    for edit in (edits.unchanged, edits.mirror, edits.letterbox(0.25)):
        result = matched(edit(video.read(unrelated)), PLAIN)
        assert (result.verdict, result.matches) == (Verdict.ALLOW, ())


def test_the_same_bytes(original: Path, confirmed: tuple[Service, Entry]) -> None:
    """Either digest alone is enough, says which it was, and covers everything."""
    service, entry = confirmed
    sha256, md5 = bytes.fromhex(entry.sha256), bytes.fromhex(entry.md5)
    for digests, kind in (
        (Digests(sha256=sha256), "sha256"),
        (Digests(md5=md5), "md5"),
        (Digests(md5=md5, sha256=sha256), "sha256"),
        (Digests(md5=md5, sha256=bytes(32)), "md5"),
    ):
        result = service.match(digests)
        assert result.verdict is Verdict.BLOCK
        [match] = result.matches
        assert (match.digest, match.query_coverage, match.reference_coverage) == (kind, 1.0, 1.0)
        assert (match.segments[0].query_end, match.segments[0].speed) == (entry.duration, 1.0)
    for absent in (Digests(sha256=bytes(32)), Digests(md5=bytes(16)), Digests(md5=sha256[:16])):
        assert service.match(absent).verdict is Verdict.ALLOW
    with pytest.raises(InvalidInputError):
        service.match(Digests())
    assert service.match(fingerprint_query(original, DEFAULT, LIMITS)).matches[0].digest == "sha256"


REFERENCE = a_reference(11)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new one."""
    with Service.open(tmp_path / "data") as opened:
        yield opened


def test_a_withdrawn_entry_matches_no_more(service: Service) -> None:
    """By frames and by digest alike, from the revision of the withdrawal on, and not after it is opened again."""
    upload = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    found = service.match(upload, min_revision=entry.revision)
    assert found.verdict is Verdict.BLOCK and found.revision >= entry.revision
    gone = service.withdraw(DEFAULT_BANK, entry.entry)
    for query in (upload, REFERENCE.digests):
        result = service.match(query, min_revision=gone.revision)
        assert (result.verdict, result.matches) == (Verdict.ALLOW, ())
        assert result.revision >= gone.revision


def test_only_the_banks_that_were_asked(service: Service) -> None:
    """A match in another bank is not told, the verdict is the asked bank's, and an unknown bank is an error."""
    service.create_bank("other", policy=Policy(block_coverage=1.0, block_evidence=-250.0))
    entry = service.confirm("other", REFERENCE)
    upload = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    assert service.match(upload, banks=[DEFAULT_BANK], min_revision=entry.revision).matches == ()
    for banks in (["other"], ["other", DEFAULT_BANK], []):
        result = service.match(upload, banks=banks)
        assert [match.bank for match in result.matches] == ["other"]
        assert result.verdict is Verdict.REVIEW
    assert service.match(REFERENCE.digests, banks=[DEFAULT_BANK]).matches == ()
    with pytest.raises(BankNotFoundError):
        service.match(upload, banks=["nothing"])


def test_other_banks_do_not_crowd_out_the_asked_one(service: Service) -> None:
    """A hundred entries of the same footage in one bank do not hide the one that another bank has."""
    random = np.random.default_rng(5)
    service.create_bank("crowded")
    short = a_reference(12, seconds=6.0)
    for _ in range(100):
        near = flipped(short.hashes.reshape(-1, 32), 2, random).reshape(short.hashes.shape)
        digests = Digests(md5=random.bytes(16), sha256=random.bytes(32))
        service.confirm("crowded", dataclasses.replace(short, hashes=near, digests=digests))
    far = flipped(short.hashes.reshape(-1, 32), 20, random).reshape(short.hashes.shape)
    entry = service.confirm(DEFAULT_BANK, dataclasses.replace(short, hashes=far))
    upload = an_upload([(short, 0.0, 6.0, 1.0)], bits=4)
    result = service.match(upload, banks=[DEFAULT_BANK], min_revision=entry.revision)
    assert [match.entry for match in result.matches] == [entry.entry]
    everywhere = service.match(upload)
    assert everywhere.verdict is Verdict.BLOCK
    assert len(everywhere.matches) > 1


def test_the_strictest_bank_decides(service: Service) -> None:
    """The same footage in a bank that blocks and in one that only reviews is blocked, each match with its own verdict."""
    service.create_bank("careful", policy=Policy(block_evidence=-250.0))
    service.confirm("careful", REFERENCE)
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    result = service.match(an_upload([(REFERENCE, 3.0, 12.0, 1.0)]), min_revision=entry.revision)
    assert {match.bank: match.verdict for match in result.matches} == {
        "careful": Verdict.REVIEW,
        DEFAULT_BANK: Verdict.BLOCK,
    }
    assert result.verdict is Verdict.BLOCK


def test_a_changed_policy_holds_at_once(service: Service) -> None:
    """The next match after an update is judged by it."""
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    upload = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    assert service.match(upload, min_revision=entry.revision).verdict is Verdict.BLOCK
    service.update_bank(DEFAULT_BANK, policy=Policy(block_evidence=-250.0))
    assert service.match(upload).verdict is Verdict.REVIEW
    service.update_bank(DEFAULT_BANK, policy=Policy(block_evidence=-250.0, review_evidence=-250.0))
    assert service.match(upload).matches == ()


def test_an_excluded_part_is_excused(service: Service) -> None:
    """Without matches, ALLOW, and why; as soon as the exclusions change the next match follows, and the bytes always match."""
    upload = an_upload([(None, 0.0, 4.0, 1.0), (REFERENCE, 3.0, 12.0, 1.0)])
    entry = service.confirm(DEFAULT_BANK, REFERENCE, external_id="film", exclusions=[Interval(0, 20)])
    result = service.match(upload, min_revision=entry.revision)
    assert (result.verdict, result.matches) == (Verdict.ALLOW, ())
    [excused] = result.excused
    expected = Excused(bank=DEFAULT_BANK, entry=entry.entry, external_id="film", reason=EXCLUDED, seconds=12.0)
    assert dataclasses.replace(excused, seconds=12.0) == expected
    assert excused.seconds == pytest.approx(12.0, abs=0.6)
    exact = service.match(REFERENCE.digests)
    assert (exact.verdict, exact.excused) == (Verdict.BLOCK, ())
    assert (exact.matches[0].query_coverage, exact.matches[0].segments[0].reference_start) == (1.0, 0.0)

    service.set_exclusions(DEFAULT_BANK, entry.entry, [Interval(0, 10)])
    partly = service.match(upload)
    [match] = partly.matches
    assert partly.excused == ()
    assert match.query_coverage == pytest.approx(5 / 16, abs=0.04)
    assert match.segments[0].reference_start == pytest.approx(10.0, abs=0.6)
    service.set_exclusions(DEFAULT_BANK, entry.entry, [])
    assert service.match(upload).verdict is Verdict.BLOCK


def test_an_excuse_takes_as_much_as_a_match(service: Service) -> None:
    """What would not be reported without the exclusions, under the bank's policy, needs no excuse; nor does unknown footage."""
    entry = service.confirm(DEFAULT_BANK, REFERENCE, exclusions=[Interval(0, 20)])
    upload = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    assert service.match(upload, min_revision=entry.revision).excused
    assert service.match(an_upload([(None, 0.0, 12.0, 1.0)])).excused == ()
    service.update_bank(DEFAULT_BANK, policy=Policy(block_evidence=-290.0, review_evidence=-290.0))
    assert service.match(upload).excused == ()


def test_an_excuse_beside_a_match(service: Service) -> None:
    """Another entry that shows the same footage, and excludes none of it, decides."""
    near = flipped(REFERENCE.hashes.reshape(-1, 32), 2, np.random.default_rng(5)).reshape(REFERENCE.hashes.shape)
    service.confirm(DEFAULT_BANK, REFERENCE, external_id="excused", exclusions=[Interval(0, 20)])
    other = dataclasses.replace(REFERENCE, hashes=near, digests=Digests())
    entry = service.confirm(DEFAULT_BANK, other, external_id="known")
    result = service.match(an_upload([(REFERENCE, 3.0, 12.0, 1.0)]), min_revision=entry.revision)
    assert result.verdict is Verdict.BLOCK
    assert [one.external_id for one in result.matches] == ["known"]
    assert [one.external_id for one in result.excused] == ["excused"]


def test_matches_come_strongest_first(service: Service) -> None:
    """Of two entries in one upload the one with more in it leads."""
    other = a_reference(13)
    service.confirm(DEFAULT_BANK, REFERENCE, external_id="less")
    last = service.confirm(DEFAULT_BANK, other, external_id="more")
    upload = an_upload([(REFERENCE, 3.0, 6.0, 1.0), (other, 5.0, 15.0, 1.0)])
    result = service.match(upload, min_revision=last.revision)
    assert [match.external_id for match in result.matches] == ["more", "less"]
    assert result.matches[0].evidence < result.matches[1].evidence
    assert [match.verdict for match in result.matches] == [Verdict.BLOCK, Verdict.REVIEW]


@pytest.mark.parametrize(
    ("depth", "views", "deepen"),
    [
        (Depth.QUICK, ("full", "busy"), False),
        (Depth.AUTO, ("full", "inside-1"), False),
        (Depth.AUTO, ("full", "busy"), True),
        (Depth.DEEP, ("full", "inside-1"), True),
    ],
)
def test_banks_say_how_closely_an_upload_is_read(
    service: Service, depth: Depth, views: tuple[str, ...], deepen: bool
) -> None:
    """Never, after a hint, or always; a BLOCK is final unless the picture is put together, a deep reading always is."""
    service.create_bank("other", policy=Policy(depth=depth))
    entry = service.confirm("other", REFERENCE)
    none = an_upload([(None, 0.0, 12.0, 1.0)])
    both = dataclasses.replace(none, views=views, hashes=none.hashes.repeat(2, 1), quality=none.quality.repeat(2, 1))
    assert service.match(both, banks=["other"], min_revision=entry.revision).deepen is deepen
    service.update_bank(DEFAULT_BANK, policy=Policy(depth=Depth.QUICK))
    assert service.match(both).deepen is deepen
    assert not service.match(both, banks=[DEFAULT_BANK]).deepen
    assert not service.match(dataclasses.replace(both, activity=np.ones((1, 96), np.float32))).deepen
    known = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    assert not service.match(known).deepen
    pasted = dataclasses.replace(both, hashes=known.hashes.repeat(2, 1), views=("full", "busy"))
    assert (service.match(pasted).verdict, service.match(pasted).deepen) == (Verdict.BLOCK, depth is not Depth.QUICK)
    assert not service.match(REFERENCE.digests).deepen


def test_an_empty_bank_calls_for_no_deep_reading(service: Service) -> None:
    """There is nothing that it could find."""
    service.update_bank(DEFAULT_BANK, policy=Policy(depth=Depth.DEEP))
    assert not service.match(an_upload([(None, 0.0, 12.0, 1.0)])).deepen


def test_a_deep_reading_finds_what_moves_alike(service: Service) -> None:
    """An upload whose frames are all 92 bits off, too far for any seed, is found by its timing and proven by its frames."""
    moving = dataclasses.replace(REFERENCE, activity=a_curve(7, 40.0)[None])
    entry = service.confirm(DEFAULT_BANK, moving)
    upload = an_upload([(REFERENCE, 10.0, 16.0, 1.0)], bits=92, view="mirror")
    quick = service.match(upload, min_revision=entry.revision)
    assert quick.matches == ()
    deep = service.match(dataclasses.replace(upload, activity=moving.activity[:, 80:208]))
    [match] = deep.matches
    assert (match.entry, match.verdict, match.segments[0].view) == (entry.entry, Verdict.BLOCK, "full/mirror")
    assert match.segments[0].reference_start == pytest.approx(10.0, abs=0.6)
    still = dataclasses.replace(upload, activity=np.zeros((1, 128), np.float32))
    assert service.match(still).matches == ()


def test_a_query_without_evidence_is_allowed(service: Service) -> None:
    """An upload of black frames, or of none, matches nothing and is no error."""
    entry = service.confirm(DEFAULT_BANK, REFERENCE)
    upload = an_upload([(REFERENCE, 3.0, 12.0, 1.0)])
    upload.quality[:] = 0
    none = dataclasses.replace(
        upload, starts=upload.starts[:0], ends=upload.ends[:0], hashes=upload.hashes[:0], quality=upload.quality[:0]
    )
    for query in (upload, none):
        assert service.match(query, min_revision=entry.revision).matches == ()


def test_an_empty_bank_and_an_empty_index(service: Service) -> None:
    """Before anything is confirmed everything is allowed, under the revision there is."""
    result = service.match(an_upload([(None, 0, 10.0, 1)]))
    assert (result.verdict, result.matches) == (Verdict.ALLOW, ())
    assert result.revision == service.revision


def test_min_revision(service: Service) -> None:
    """A match sees what was written before it, and does not wait for what never was."""
    for seed in range(3):
        video_seen: Fingerprint = a_reference(20 + seed, seconds=8.0)
        entry = service.confirm(DEFAULT_BANK, video_seen)
        result = service.match(an_upload([(video_seen, 1.0, 6.0, 1.0)]), min_revision=entry.revision)
        assert [match.entry for match in result.matches] == [entry.entry]
        assert result.revision >= entry.revision
    with pytest.raises(UnavailableError) as caught:
        service.match(Digests(md5=bytes(16)), min_revision=entry.revision + 1000)
    assert caught.value.reason == "REVISION_NOT_REACHED"
    with pytest.raises(InvalidInputError):
        service.match(Digests(md5=bytes(16)), min_revision=-1)

"""What makes an entry, and what makes two confirmations one."""

from collections.abc import Sequence

from hashsvc.bank import records
from hashsvc.bank.card import RobustnessCard
from hashsvc.bank.model import Details, Entry, Interval
from hashsvc.battery.catalogue import VIEW_PREFIX
from hashsvc.errors import AlreadyExistsError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import Profile


def made(
    bank: str,
    entry: str,
    fingerprint: Fingerprint,
    hashes: int,
    external_id: str,
    labels: tuple[str, ...],
    taxonomy: str,
    details: Details,
    exclusions: tuple[Interval, ...],
    card: RobustnessCard,
) -> Entry:
    """A new entry, as yet without a state of its own or a revision; `hashes` of its frame hashes passed the quality gate."""
    moment = records.now()
    return Entry(
        bank=bank,
        entry=entry,
        external_id=external_id,
        labels=labels,
        taxonomy=taxonomy,
        details=details,
        exclusions=exclusions,
        profile=fingerprint.profile,
        duration=fingerprint.duration,
        frames=fingerprint.frames,
        hashes=hashes,
        md5=fingerprint.digests.md5.hex(),
        sha256=fingerprint.digests.sha256.hex(),
        videohash=fingerprint.signals.videohash,
        created_at=moment,
        updated_at=moment,
        revision=0,
        card=card,
    )


def is_reference(views: Sequence[str], profile: Profile) -> bool:
    """Whether these are the profile's reference views, in order, and after them perhaps some that vaccination added."""
    names = profile.reference_names
    return tuple(views[: len(names)]) == names and all(view.startswith(VIEW_PREFIX) for view in views[len(names) :])


def is_repeated(known: Entry, entry: Entry) -> bool:
    """Whether `entry` is `known`, a live entry of the same bank with a digest in common, confirmed once more.

    Raises AlreadyExistsError ENTRY_EXISTS when it is the same bytes under another external id, with other exclusions or
    other details: to give back the known entry would drop what was asked for without a word.
    """
    if not entry.sha256 or known.sha256 != entry.sha256:
        return False
    if known.external_id != entry.external_id:
        raise _exists(known, f"as {known.external_id!r}")
    if known.exclusions != entry.exclusions:
        excluded = f"{len(known.exclusions)} exclusions" if known.exclusions else "no exclusions"
        raise _exists(known, f"with {excluded}, not those given; `hashsvc entry exclude` changes them")
    if entry.details not in (known.details, Details()):
        raise _exists(known, "with other details than those given; `hashsvc entry update` changes them")
    return True


def _exists(known: Entry, how: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        "ENTRY_EXISTS",
        f"the same bytes are entry {known.entry} already, {how}",
        bank=known.bank,
        entry=known.entry,
        external_id=known.external_id,
    )

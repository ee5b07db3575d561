"""What a match would say of a reference that is in no store."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.trial import would_match
from hashsvc.service import Service
from tests.match.synthetic import a_reference, an_upload

GATE = DEFAULT.quality_gate


@pytest.mark.parametrize(("bits", "view"), [(20, "full"), (50, "mirror"), (60, "tilt+8")])
def test_says_what_a_service_says(tmp_path: Path, bits: int, view: str) -> None:
    """The same evidence and segments as from a service that holds nothing but the reference."""
    reference = a_reference(1)
    upload = an_upload([(None, 0.0, 3.0, 1.0), (reference, 5.0, 12.0, 1.0)], bits=bits, view=view)
    with Service.open(tmp_path / "data") as service:
        service.confirm("default", reference)
        service._index.wait_for(service.revision, 5)
        [match] = service.match(upload).matches
        finding = would_match(upload, reference, GATE, service.hashes)
    assert finding is not None
    assert finding.evidence == pytest.approx(match.evidence)
    assert finding.segments == match.segments


def test_nothing_in_common() -> None:
    """Unrelated footage is found nowhere, nor is anything in a reference without evidence."""
    upload = an_upload([(None, 0.0, 10.0, 1.0)])
    assert would_match(upload, a_reference(1), GATE, 10_000) is None
    blank = dataclasses.replace(a_reference(1), quality=np.zeros((160, len(DEFAULT.reference_views)), np.uint8))
    assert would_match(upload, blank, GATE, 10_000) is None

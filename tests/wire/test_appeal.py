"""Appeals over the wire."""

import dataclasses

import pytest

from hashsvc.appeals.model import AppealState
from hashsvc.errors import InternalError, InvalidInputError
from hashsvc.v1 import appeal_service_pb2 as pb
from hashsvc.wire.appeal import decode_appeal, decode_outcome, encode_appeal, encode_outcome
from tests.cli.answering import APPEAL, MOMENT


@pytest.mark.parametrize("state", AppealState)
def test_every_field_comes_back(state: AppealState) -> None:
    """In each state, decided and reinstated or not."""
    whole = dataclasses.replace(
        APPEAL, state=state, content_id="c", appellant="ann", text="t", decided_by="ben", decided_at=MOMENT,
        reason="r", disputed=APPEAL.causes, reinstated_by="cleo", reinstated_at=MOMENT,
    )  # fmt: skip
    for one in (whole, dataclasses.replace(whole, decided_at=None, reinstated_at=None)):
        assert decode_appeal(encode_appeal(one)) == one


def test_outcomes() -> None:
    """Two, and what is neither is refused."""
    assert [decode_outcome(encode_outcome(upheld)) for upheld in (True, False)] == [True, False]
    for wrong in (pb.APPEAL_STATE_OPEN, pb.APPEAL_STATE_UNSPECIFIED, 9):
        with pytest.raises(InvalidInputError):
            decode_outcome(wrong)
    with pytest.raises(InternalError):
        decode_appeal(pb.Appeal())

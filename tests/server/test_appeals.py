"""Appeals over gRPC, with tokens."""

import asyncio
from pathlib import Path

import pytest

from hashsvc.access.model import Role
from hashsvc.appeals.model import AppealState
from hashsvc.bank.model import EntryState, Verdict
from hashsvc.client import AsyncClient, Client
from hashsvc.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError, PreconditionError
from hashsvc.service import Service
from tests.decisions.conftest import COPY, VIDEO
from tests.server.background import SETTINGS, background


def test_from_a_block_to_its_reinstatement(tmp_path: Path) -> None:
    """An upload is blocked; one reviewer opens, another decides; its copies are REVIEW; the upload path may do none of it."""
    with Service.open(tmp_path / "data", SETTINGS) as service:
        names = {"ingest": Role.UPLOADER, "ann": Role.REVIEWER, "ben": Role.REVIEWER}
        secrets = {name: service.create_token(name, role).secret for name, role in names.items()}
        entry = service.confirm("default", VIDEO)
    with (
        background(lambda: Service.open(tmp_path / "data", SETTINGS)) as server,
        Client(server.target, token=secrets["ingest"]) as ingest,
        Client(server.target, token=secrets["ann"]) as ann,
        Client(server.target, token=secrets["ben"]) as ben,
    ):
        assert ingest.match(COPY, content_id="post-1").verdict is Verdict.BLOCK
        opened = ann.open_appeal("mine", content_id="post-1", appellant="the uploader")
        assert (opened.opened_by, opened.appellant) == ("ann", "the uploader")
        assert ben.list_appeals(state="open").items == (opened,) == (ben.get_appeal(opened.appeal),)
        with pytest.raises(PreconditionError) as alone:
            ann.decide_appeal(opened.appeal, upheld=True, reason="r")
        assert alone.value.reason == "SECOND_PERSON_REQUIRED"
        with pytest.raises(ConflictError):
            ben.decide_appeal(opened.appeal, upheld=True, reason="r", revision=opened.revision + 9)
        with pytest.raises(InvalidInputError):
            ben.decide_appeal(opened.appeal, upheld=True, reason="r", dispute=[("default", "e")])
        again = ann.open_appeal("news", content_id="post-1")
        assert ben.decide_appeal(again.appeal, upheld=True, reason="news", dispute=[]).disputed == ()
        assert ann.get_entry("default", entry.entry).state is EntryState.CONFIRMED
        named = [("default", entry.entry)]
        decided = ben.decide_appeal(
            opened.appeal, upheld=True, reason="a film", dispute=named, revision=opened.revision
        )
        assert (decided.state, len(decided.disputed)) == (AppealState.UPHELD, 1)
        changed = ann.get_entry("default", entry.entry)
        assert changed.state is EntryState.DISPUTED
        assert ingest.match(COPY, min_revision=changed.revision).verdict is Verdict.REVIEW
        assert ann.reinstate_content(opened.appeal).reinstated_by == "ann"
        with pytest.raises(PreconditionError):
            ann.reinstate_content(opened.appeal)
        with pytest.raises(NotFoundError):
            ann.get_appeal("nobody")
        steps = [one.action for one in ann.list_decisions(kind="appeal").items]
        assert steps == ["open", "open", "uphold", "uphold", "reinstate"]
        for ask in (
            lambda: ingest.open_appeal("x", content_id="post-1"),
            lambda: ingest.get_appeal("nobody"),
            lambda: ingest.list_appeals(),
            lambda: ingest.decide_appeal("nobody", upheld=True, reason="r"),
            lambda: ingest.reinstate_content("nobody"),
        ):
            with pytest.raises(PermissionDeniedError):
                ask()

        async def ask_again() -> None:
            async with AsyncClient(server.target, token=secrets["ben"]) as other:
                second = await other.open_appeal("again", content_id="post-1")
                assert (await other.get_appeal(second.appeal)) == second
                assert len((await other.list_appeals()).items) == 3
                with pytest.raises(PreconditionError):
                    await other.decide_appeal(second.appeal, upheld=False, reason="r")
                with pytest.raises(PreconditionError):
                    await other.reinstate_content(second.appeal)

        asyncio.run(ask_again())

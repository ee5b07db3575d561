"""What callers of any language see: statuses, reflection, requests that are wrong in form."""

import logging
from collections.abc import Iterator
from typing import Any, cast

import grpc
import pytest
import structlog
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from hashsvc.client import Client
from hashsvc.server.server import SERVICES
from hashsvc.service import Service
from hashsvc.v1 import bank_service_pb2 as bank_pb
from hashsvc.v1 import match_service_pb2 as match_pb
from hashsvc.v1.bank_service_pb2_grpc import BankServiceStub
from hashsvc.v1.match_service_pb2_grpc import MatchServiceStub
from hashsvc.wire.fingerprint import encode_fingerprint
from tests.server.background import BackgroundServer, NoTokens, background, reference


@pytest.fixture
def channel(running: BackgroundServer) -> Iterator[grpc.Channel]:
    """A bare gRPC channel to the server."""
    with grpc.insecure_channel(running.target) as channel:
        yield channel


def refused(failure: grpc.RpcError) -> tuple[grpc.StatusCode, ErrorInfo]:
    """Code and the one ErrorInfo of a failed call."""
    status = rpc_status.from_call(cast("grpc.Call", failure))
    infos = [detail for detail in status.details if detail.Unpack(ErrorInfo())]
    assert len(infos) == 1
    info = ErrorInfo()
    infos[0].Unpack(info)
    return failure.code(), info


def test_reflection_lists_every_service(channel: grpc.Channel) -> None:
    """grpcurl needs no proto files: reflection names the services and describes them."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        *(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service) for service in SERVICES),
    ]
    listed, *described = stub.ServerReflectionInfo(iter(asked), timeout=10)
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {*SERVICES, "grpc.health.v1.Health"}
    assert len(SERVICES) == 12
    assert all(answer.file_descriptor_response.file_descriptor_proto for answer in described)


def test_bytes_that_are_no_message(channel: grpc.Channel) -> None:
    """A request that does not parse is INVALID_ARGUMENT, never UNKNOWN, in every kind of call."""
    send: Any = channel.unary_unary("/hashsvc.v1.MatchService/Match", None, None)
    with pytest.raises(grpc.RpcError) as unary:
        send(b"\xff\xff\xff", timeout=10)
    code, info = refused(unary.value)
    assert (code, info.reason, info.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED", "hashsvc")
    assert info.metadata["type"] == "MatchRequest"
    upload: Any = channel.stream_unary("/hashsvc.v1.MatchService/MatchMedia", None, None)
    with pytest.raises(grpc.RpcError) as stream:
        upload(iter([b"\xff\xff\xff"]), timeout=10)
    assert refused(stream.value)[1].reason == "REQUEST_MALFORMED"
    export: Any = channel.unary_stream("/hashsvc.v1.ExchangeService/ExportSignals", None, None)
    with pytest.raises(grpc.RpcError) as answers:
        list(export(b"\xff\xff\xff", timeout=10))
    assert refused(answers.value)[1].reason == "REQUEST_MALFORMED"


def test_empty_requests(channel: grpc.Channel) -> None:
    """Requests without what they require name the field, or the identifier."""
    match, bank = MatchServiceStub(channel), BankServiceStub(channel)
    for call, reason in (
        (lambda: match.Match(match_pb.MatchRequest(), timeout=10), "FIELD_REQUIRED"),
        (lambda: bank.ConfirmEntry(bank_pb.ConfirmEntryRequest(bank="default"), timeout=10), "FIELD_REQUIRED"),
        (lambda: bank.GetBank(bank_pb.GetBankRequest(), timeout=10), "BANK_ID_INVALID"),
        (lambda: bank.UpdateBank(bank_pb.UpdateBankRequest(), timeout=10), "BANK_ID_INVALID"),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        code, info = refused(caught.value)
        assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


def test_malformed_fingerprint_over_the_wire(channel: grpc.Channel) -> None:
    """A hash of the wrong length and times out of order are refused in confirm and in match alike."""
    match, bank = MatchServiceStub(channel), BankServiceStub(channel)
    short = encode_fingerprint(reference(1))
    short.hashes = short.hashes[:-1]
    disordered = encode_fingerprint(reference(1))
    disordered.start_ms[3] = 0
    for fingerprint in (short, disordered):
        for call in (
            lambda one=fingerprint: match.Match(match_pb.MatchRequest(fingerprint=one), timeout=10),
            lambda one=fingerprint: bank.ConfirmEntry(
                bank_pb.ConfirmEntryRequest(bank="default", fingerprint=one), timeout=10
            ),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call()
            code, info = refused(caught.value)
            assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FINGERPRINT_MALFORMED")
    assert not bank.ListEntries(bank_pb.ListEntriesRequest(bank="default"), timeout=10).entries


def test_every_write_says_its_revision(channel: grpc.Channel) -> None:
    """Responses of writes carry the revision, which grows by one a change."""
    bank = BankServiceStub(channel)
    made = bank.CreateBank(bank_pb.CreateBankRequest(bank=bank_pb.Bank(bank="news")), timeout=10)
    changed = bank.UpdateBank(bank_pb.UpdateBankRequest(bank=bank_pb.Bank(bank="news", description="x")), timeout=10)
    confirmed = bank.ConfirmEntry(
        bank_pb.ConfirmEntryRequest(bank="news", fingerprint=encode_fingerprint(reference(2))), timeout=10
    )
    withdrawn = bank.WithdrawEntry(bank_pb.WithdrawEntryRequest(bank="news", entry=confirmed.entry.entry), timeout=10)
    first = made.revision
    assert [one.revision for one in (made, changed, confirmed, withdrawn)] == [first, first + 1, first + 2, first + 3]


def test_update_mask(channel: grpc.Channel) -> None:
    """The mask decides which fields change; without one, those that are set do."""
    stub = BankServiceStub(channel)
    new = bank_pb.Bank(bank="news", description="one", policy=bank_pb.Policy(block_coverage=0.9))
    stub.CreateBank(bank_pb.CreateBankRequest(bank=new), timeout=10)

    def update(bank: bank_pb.Bank, *paths: str) -> bank_pb.Bank:
        request = bank_pb.UpdateBankRequest(bank=bank, update_mask=FieldMask(paths=paths))
        return stub.UpdateBank(request, timeout=10).bank

    sent = bank_pb.Bank(bank="news", description="two", policy=bank_pb.Policy(block_evidence=-30))
    part = update(sent, "policy.block_evidence")
    assert (part.description, part.policy.block_evidence, part.policy.block_coverage) == ("one", -30, 0.9)
    unmasked = update(bank_pb.Bank(bank="news", policy=bank_pb.Policy(block_coverage=0.25)))
    assert (unmasked.description, unmasked.policy.block_evidence, unmasked.policy.block_coverage) == ("one", -30, 0.25)
    whole = update(sent, "policy")
    assert (whole.policy.block_evidence, whole.policy.block_coverage) == (-30, 0.5)
    assert update(bank_pb.Bank(bank="news"), "description").description == ""
    with pytest.raises(grpc.RpcError) as caught:
        update(sent, "created_at")
    assert refused(caught.value)[1].metadata["value"] == "created_at"


class Broken(Service):
    """A service with a defect."""

    tokens = NoTokens()

    def __init__(self) -> None:
        pass

    ready = True

    def close(self) -> None:
        """Nothing is open."""

    def judge(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise RuntimeError("a secret path")


def test_a_defect_is_internal_and_logged() -> None:
    """An unexpected error is INTERNAL without its text, and the log has it with its traceback."""
    query = match_pb.MatchRequest(fingerprint=encode_fingerprint(reference(1)))
    with (
        structlog.testing.capture_logs() as logs,
        background(Broken) as server,
        grpc.insecure_channel(server.target) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        MatchServiceStub(channel).Match(query, timeout=10)
    code, info = refused(caught.value)
    assert (code, info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in str(caught.value)
    [error] = [line for line in logs if line["log_level"] == "error"]
    assert isinstance(error["exc_info"], RuntimeError)


def test_calls_before_the_directory_is_open() -> None:
    """While the data directory opens, calls are UNAVAILABLE with a RetryInfo, and unknown methods UNIMPLEMENTED."""
    with background(Broken) as server, grpc.insecure_channel(server.target) as channel:
        server.server._backend._service = None
        with pytest.raises(grpc.RpcError) as caught:
            BankServiceStub(channel).ListBanks(bank_pb.ListBanksRequest(), timeout=10)
        code, info = refused(caught.value)
        assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "INDEX_LOADING")
        status = rpc_status.from_call(cast("grpc.Call", caught.value))
        assert any(detail.Unpack(RetryInfo()) for detail in status.details)
        with pytest.raises(grpc.RpcError) as unknown:
            guess: Any = channel.unary_unary("/hashsvc.v1.MatchService/Guess", None, None)
            guess(b"", timeout=10)
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_one_log_line_a_call(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A line says method, code, reason, milliseconds, revision and verdict, and nothing of the content."""
    with structlog.testing.capture_logs() as logs, caplog.at_level(logging.INFO):
        entry = client.confirm("default", reference(1), external_id="a-private-name")
        client.match(reference(1), min_revision=entry.revision)
        with pytest.raises(Exception, match="nothing"):
            client.get_bank("nothing")
    calls = [line for line in logs if line["event"] == "call"]
    assert [line["method"].partition("/")[2] for line in calls] == ["ConfirmEntry", "Match", "GetBank"]
    assert [line["code"] for line in calls] == ["OK", "OK", "NOT_FOUND"]
    assert calls[0]["revision"] == entry.revision
    assert calls[1]["verdict"] == "BLOCK"
    assert calls[2]["reason"] == "BANK_NOT_FOUND"
    assert all(line["ms"] >= 0 for line in calls)
    assert "a-private-name" not in str(logs)

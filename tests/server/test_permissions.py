"""The table of who may call what is whole, and says what it should."""

import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import hashsvc.v1
from hashsvc.access.model import Caller, Role
from hashsvc.errors import PermissionDeniedError
from hashsvc.server.permissions import OPEN_TO_ALL, PERMISSIONS, check_permission
from hashsvc.server.server import SERVICES


def methods() -> set[str]:
    """Every method in the contract, and those of health and reflection."""
    import importlib
    import pkgutil

    found = {health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR}
    for module in pkgutil.iter_modules(hashsvc.v1.__path__):
        if module.name.endswith("_pb2"):
            found.add(importlib.import_module(f"hashsvc.v1.{module.name}").DESCRIPTOR)
    return {
        f"{service.full_name}/{method.name}"
        for file in found
        for service in file.services_by_name.values()
        for method in service.methods
    }


def test_every_method_has_a_line() -> None:
    """A method of any service that is in the contract and not in the table, or the other way round, is a mistake."""
    assert methods() == {*PERMISSIONS, *OPEN_TO_ALL}
    assert not set(PERMISSIONS) & OPEN_TO_ALL
    assert {method.partition("/")[0] for method in PERMISSIONS if method.startswith("hashsvc.")} == set(SERVICES)


def test_no_method_of_ours_is_open_to_all() -> None:
    """Only health is, and every method has somebody who may call it."""
    assert {method.rpartition("/")[0] for method in OPEN_TO_ALL} == {"grpc.health.v1.Health"}
    assert all(Role.ADMIN in roles for roles in PERMISSIONS.values())


def may(role: Role) -> set[str]:
    """The methods of hashsvc that a role may call."""
    return {
        method.removeprefix("hashsvc.v1.")
        for method, roles in PERMISSIONS.items()
        if role in roles and method.startswith("hashsvc.")
    }


def test_roles() -> None:
    """Uploaders match, partners export, reviewers change nothing, tokens are the admins'."""
    assert may(Role.UPLOADER) == {"MatchService/Match", "MatchService/MatchMedia"}
    assert may(Role.PARTNER) == {"ExchangeService/ExportSignals"}
    assert {"BankService/GetEntry", "MatchService/Match"} <= may(Role.REVIEWER)
    assert not may(Role.REVIEWER) & {"BankService/ConfirmEntry", "BankService/WithdrawEntry", "BankService/UpdateBank"}
    assert {"BankService/ConfirmEntry", "BankService/WithdrawEntry"} <= may(Role.CURATOR)
    for role in set(Role) - {Role.ADMIN}:
        assert not {method for method in may(role) if method.startswith("AccessService/")}


def test_a_method_without_a_line_is_nobodys() -> None:
    """Not even an admin's."""
    with pytest.raises(PermissionDeniedError) as caught:
        check_permission("hashsvc.v1.BankService/Forgotten", Caller("root", Role.ADMIN))
    assert caught.value.reason == "ROLE_FORBIDDEN"

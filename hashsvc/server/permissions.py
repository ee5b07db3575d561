"""Which roles may call which method, in one place."""

from collections.abc import Mapping

from hashsvc.access.model import Caller, Role
from hashsvc.errors import PermissionDeniedError

_ADMINS = frozenset({Role.ADMIN})
_CURATORS = _ADMINS | {Role.CURATOR}
_READERS = _CURATORS | {Role.REVIEWER}
_MATCHERS = _READERS | {Role.UPLOADER}
_PARTNERS = _CURATORS | {Role.PARTNER}
_EVERY_ROLE = frozenset(Role)

PERMISSIONS: Mapping[str, frozenset[Role]] = {
    "hashsvc.v1.MatchService/Match": _MATCHERS,
    "hashsvc.v1.MatchService/MatchMedia": _MATCHERS,
    "hashsvc.v1.BankService/CreateBank": _CURATORS,
    "hashsvc.v1.BankService/ListLabels": _READERS,
    "hashsvc.v1.BankService/GetBank": _READERS,
    "hashsvc.v1.BankService/ListBanks": _READERS,
    "hashsvc.v1.BankService/UpdateBank": _CURATORS,
    "hashsvc.v1.BankService/ConfirmEntry": _CURATORS,
    "hashsvc.v1.BankService/ConfirmEntryMedia": _CURATORS,
    "hashsvc.v1.BankService/GetEntry": _READERS,
    "hashsvc.v1.BankService/ListEntries": _READERS,
    "hashsvc.v1.BankService/ApproveEntry": _CURATORS,
    "hashsvc.v1.BankService/DisputeEntry": _CURATORS,
    "hashsvc.v1.BankService/WithdrawEntry": _CURATORS,
    "hashsvc.v1.BankService/ReinstateEntry": _CURATORS,
    "hashsvc.v1.BankService/SetExclusions": _CURATORS,
    "hashsvc.v1.BankService/UpdateEntry": _CURATORS,
    "hashsvc.v1.ExchangeService/ExportSignals": _PARTNERS,
    "hashsvc.v1.IndexService/GetStatus": _READERS,
    "hashsvc.v1.IndexService/Verify": _ADMINS,
    "hashsvc.v1.RetroService/Hunt": _CURATORS,
    "hashsvc.v1.RetroService/GetHunt": _READERS,
    "hashsvc.v1.RetroService/ListHits": _READERS,
    "hashsvc.v1.RetroService/DryRun": _CURATORS,
    "hashsvc.v1.BreakerService/ListBreakers": _READERS,
    "hashsvc.v1.BreakerService/GetBreaker": _READERS,
    "hashsvc.v1.BreakerService/ResetBreaker": _CURATORS,
    "hashsvc.v1.IncidentService/OpenIncident": _CURATORS,
    "hashsvc.v1.IncidentService/GetIncident": _READERS,
    "hashsvc.v1.IncidentService/ListIncidents": _READERS,
    "hashsvc.v1.IncidentService/AddIncidentEntries": _CURATORS,
    "hashsvc.v1.IncidentService/RemoveIncidentEntries": _CURATORS,
    "hashsvc.v1.IncidentService/ExtendIncident": _CURATORS,
    "hashsvc.v1.IncidentService/ReopenIncident": _CURATORS,
    "hashsvc.v1.IncidentService/CloseIncident": _CURATORS,
    "hashsvc.v1.IncidentService/DebriefIncident": _READERS,
    "hashsvc.v1.DecisionService/GetDecision": _READERS,
    "hashsvc.v1.DecisionService/ListDecisions": _READERS,
    "hashsvc.v1.DecisionService/VerifyDecisions": _READERS,
    "hashsvc.v1.DecisionService/ReplayDecision": _READERS,
    # Reviewers answer people. The upload path has no business here, since what it asks for is a person's decision.
    "hashsvc.v1.AppealService/OpenAppeal": _READERS,
    "hashsvc.v1.AppealService/GetAppeal": _READERS,
    "hashsvc.v1.AppealService/ListAppeals": _READERS,
    "hashsvc.v1.AppealService/DecideAppeal": _READERS,
    "hashsvc.v1.AppealService/ReinstateContent": _READERS,
    "hashsvc.v1.ReportService/GetTransparencyReport": _READERS,
    "hashsvc.v1.EventService/Watch": _READERS,
    # A webhook carries what happens out of the platform.
    "hashsvc.v1.EventService/AddWebhook": _ADMINS,
    "hashsvc.v1.EventService/ListWebhooks": _ADMINS,
    "hashsvc.v1.EventService/UpdateWebhook": _ADMINS,
    "hashsvc.v1.EventService/RemoveWebhook": _ADMINS,
    "hashsvc.v1.AccessService/CreateToken": _ADMINS,
    "hashsvc.v1.AccessService/ListTokens": _ADMINS,
    "hashsvc.v1.AccessService/RevokeToken": _ADMINS,
    # What the methods are is no secret, but whoever asks has to be somebody.
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _EVERY_ROLE,
}
"""Roles by `package.Service/Method`. A method without a line may be called by nobody."""

OPEN_TO_ALL = frozenset({"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch", "grpc.health.v1.Health/List"})
"""Load balancers have no token, and learn only whether the server is serving."""


def check_permission(method: str, caller: Caller) -> None:
    """Raises PermissionDeniedError ROLE_FORBIDDEN."""
    if caller.role not in PERMISSIONS.get(method, frozenset()):
        raise PermissionDeniedError(
            "ROLE_FORBIDDEN", f"the role {caller.role} may not call this method", role=caller.role
        )

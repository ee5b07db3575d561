"""The calls of AccessService."""

from hashsvc.access.model import NewToken, Role, Token
from hashsvc.bank.model import Page
from hashsvc.client.calls.call import Call, build
from hashsvc.v1 import access_service_pb2 as access_pb
from hashsvc.wire.access import decode_new_token, decode_token, encode_role


def create_token(name: str, role: Role, days: float) -> Call[NewToken]:
    """AccessService.CreateToken; a second arrival would make a second token."""
    return Call(
        method="AccessService/CreateToken",
        request=build(access_pb.CreateTokenRequest, name=name, role=encode_role(role), days=days),
        response=access_pb.CreateTokenResponse,
        decode=decode_new_token,
        repeatable=False,
    )


def list_tokens(page_size: int, page_token: str) -> Call[Page[Token]]:
    """AccessService.ListTokens."""
    return Call(
        method="AccessService/ListTokens",
        request=build(access_pb.ListTokensRequest, page_size=page_size, page_token=page_token),
        response=access_pb.ListTokensResponse,
        decode=lambda answer: Page(
            items=tuple(map(decode_token, answer.tokens)), next_page_token=answer.next_page_token
        ),
    )


def revoke_token(token: str) -> Call[Token]:
    """AccessService.RevokeToken."""
    return Call(
        method="AccessService/RevokeToken",
        request=build(access_pb.RevokeTokenRequest, token=token),
        response=access_pb.RevokeTokenResponse,
        decode=lambda answer: decode_token(answer.token),
    )

"""What a provider, or whoever stands between, could say that is not true: each is refused and says why."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from openid_peer import Liar, encoded, liar
from pydantic import ValidationError

from tabwarden.settings.web import OpenId, Web
from tabwarden.web.openid import Attempt, OpenIdError, Person, Provider

URL = "https://pages.example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[Liar]:
    with liar() as one:
        yield one


@pytest.fixture
def lying(running: Liar) -> Liar:
    """A provider that tells the truth until a test says otherwise."""
    running.token, running.metadata, running.userinfo, running.moved = None, {}, {}, {}
    running.requests.clear()
    return running


def finished(lying: Liar, query: dict[str, str] | None = None, **settings: Any) -> Person:
    """Whom it signs in."""
    attempt = Attempt()
    with closing(Provider(OpenId(issuer=lying.issuer, client_id="pages", **settings), URL)) as provider:
        address = lying.back(provider.begin(attempt), URL, **(query or {}))
        return provider.finish(attempt, httpx.URL(address).params)


def test_the_truth_is_believed(lying: Liar) -> None:
    assert finished(lying).name == "ann"


def _with(**changed: Any) -> Callable[[Liar], Callable[[dict[str, Any]], str]]:
    """A token that is signed as it should be, with another claim; None takes it out."""

    def token(lying: Liar) -> Callable[[dict[str, Any]], str]:
        return lambda claims: lying.signed(
            {name: value for name, value in {**claims, **changed}.items() if value is not None}
        )

    return token


def _none(_: Liar) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def _by_hand(secret: bytes, alg: str = "HS256") -> Callable[[dict[str, Any]], str]:
    def token(claims: dict[str, Any]) -> str:
        words = f"{encoded({'alg': alg, 'kid': 'one'})}.{encoded(claims)}"
        signature = urlsafe_b64encode(hmac.digest(secret, words.encode(), sha256)).rstrip(b"=").decode()
        return f"{words}.{signature}"

    return token


def _by_public_key(lying: Liar) -> Callable[[dict[str, Any]], str]:
    return _by_hand(lying.key.as_pem(private=False))


def _by_client_secret(_: Liar) -> Callable[[dict[str, Any]], str]:
    return _by_hand(b"secret")


def _of_another_key(kid: str) -> Callable[[Liar], Callable[[dict[str, Any]], str]]:
    other = RSAKey.generate_key(2048, {"kid": kid})
    return lambda _: lambda claims: jwt.encode({"alg": "RS256", "kid": kid}, claims, other)


def _cut(lying: Liar) -> Callable[[dict[str, Any]], str]:
    return lambda claims: lying.signed(claims)[:-20]


def _changed_afterwards(lying: Liar) -> Callable[[dict[str, Any]], str]:
    def token(claims: dict[str, Any]) -> str:
        header, _, signature = lying.signed(claims).split(".")
        return f"{header}.{encoded({**claims, 'preferred_username': 'admin'})}.{signature}"

    return token


LIES = {
    "another issuer": _with(iss="https://evil.example"),
    "no issuer": _with(iss=None),
    "another audience": _with(aud="another"),
    "several audiences and no party": _with(aud=["pages", "another"]),
    "another party": _with(azp="another"),
    "another audience on behalf of these pages": _with(aud="another", azp="pages"),
    "no audience": _with(aud=None),
    "another nonce": _with(nonce="another"),
    "no nonce": _with(nonce=None),
    "expired": _with(exp=1_000_000_000),
    "no end": _with(exp=None),
    "an end that is no number": _with(exp="tomorrow"),
    "made in the future": _with(iat=int(time.time()) + 9999),
    "not yet": _with(nbf=int(time.time()) + 9999),
    "no subject": _with(sub=None),
    "no name": _with(preferred_username=""),
    "a name that is none": _with(preferred_username=["admin"]),
    "another access token": _with(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "alg none": _none,
    "signed with the public key as a secret": _by_public_key,
    "signed with a shared secret": _by_client_secret,
    "a key that is not published": _of_another_key("two"),
    "another key under the same name": _of_another_key("one"),
    "cut": _cut,
    "changed afterwards": _changed_afterwards,
    "no token": lambda _: lambda _claims: "",
    "no JSON": lambda _: lambda _claims: "a.b.c",
    "deep JSON": lambda _: lambda _claims: f"{urlsafe_b64encode(b'[' * 9000).decode()}.e30.e30",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_forged_token_signs_nobody_in(lying: Liar, lie: str) -> None:
    lying.token = LIES[lie](lying)
    with pytest.raises(OpenIdError):
        finished(lying)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "http://169.254.169.254/latest/meta-data"}, "not reached over TLS"),
        ({"jwks_uri": "file:///etc/passwd"}, "not reached over TLS"),
        ({"jwks_uri": None}, "names no `jwks_uri`"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "not reached over TLS"),
        ({"authorization_response_iss_parameter_supported": True}, "another provider"),
    ],
)
def test_what_it_tells_of_itself_is_judged(lying: Liar, metadata: dict[str, Any], words: str) -> None:
    lying.metadata = metadata
    with pytest.raises(OpenIdError, match=words):
        finished(lying)


def test_a_provider_elsewhere_names_no_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = {"authorization_endpoint": "http://127.0.0.1:8080/admin", "jwks_uri": "http://localhost/keys"}
    monkeypatch.setattr(Provider, "metadata", lambda _: inside)
    with closing(Provider(OpenId(issuer="https://login.example.com", client_id="pages"), URL)) as provider:
        for name in inside:
            with pytest.raises(OpenIdError, match="not reached over TLS"):
                provider._address(name)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks_uri", "/token_endpoint"])
def test_nothing_follows_where_it_leads(lying: Liar, path: str) -> None:
    """What it says lies elsewhere, such as in the network of whoever serves the pages, is asked for by nobody."""
    lying.moved = {path: f"{lying.issuer}/userinfo_endpoint?inside"}
    with pytest.raises(OpenIdError, match="status 307"):
        finished(lying)
    assert not [one for one in lying.requests if "inside" in one]


def test_an_answer_without_end_is_not_read_to_its_end(lying: Liar) -> None:
    lying.metadata = {"claims_supported": ["x" * (1 << 20)]}
    with pytest.raises(OpenIdError, match="has no end"):
        finished(lying)


@pytest.mark.parametrize(
    "query", [{"iss": "https://evil.example"}, {"state": "x"}, {"code": ""}, {"error": "\x1b[31m"}]
)
def test_what_comes_back_of_another_provider_is_refused(lying: Liar, query: dict[str, str]) -> None:
    with pytest.raises(OpenIdError) as refused:
        finished(lying, query)
    assert "\x1b" not in str(refused.value)
    assert not [path for path in lying.requests if "token" in path]


def test_what_has_to_match_is_new_with_each_attempt() -> None:
    attempts = Attempt(), Attempt()
    assert len({word for one in attempts for word in (one.state, one.nonce, one.verifier)}) == 6


def test_what_it_tells_later_has_to_be_of_the_same_person(lying: Liar) -> None:
    lying.token, lying.userinfo = _with(preferred_username=None)(lying), {"sub": "ann", "preferred_username": "ann"}
    assert finished(lying).name == "ann"
    lying.userinfo = {"sub": "eve", "preferred_username": "admin"}
    with pytest.raises(OpenIdError, match="somebody else"):
        finished(lying)


def test_what_was_signed_counts_before_what_is_told_later(lying: Liar) -> None:
    lying.userinfo = {"sub": "ann", "preferred_username": "admin", "groups": ["Staff"]}
    assert finished(lying, groups_claim="groups")[:3] == ("ann", "ann", {"Staff"})


def test_a_mail_address_counts_where_it_was_verified(lying: Liar) -> None:
    lying.token = _with(email="ann@acme.example", email_verified=False)(lying)
    with pytest.raises(OpenIdError, match="did not verify"):
        finished(lying, user_claim="email")
    lying.token = _with(email="ann@acme.example", email_verified=True)(lying)
    assert finished(lying, user_claim="email").name == "ann@acme.example"


def test_groups_that_are_left_out_are_an_error(lying: Liar) -> None:
    lying.token = _with(groups=["Staff", 7])(lying)
    assert finished(lying, groups_claim="groups").groups == {"Staff"}
    lying.userinfo = {"sub": "ann"}
    lying.token = _with(_claim_names={"groups": "src1"})(lying)
    with pytest.raises(OpenIdError, match="too many"):
        finished(lying, groups_claim="groups")


def test_a_key_that_is_not_for_signing_proves_nothing(lying: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    key = lying.key.as_dict(private=False)
    shared = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
    strange = {"kty": "of tomorrow", "kid": "tomorrow"}
    true = lying.answer

    def publish(*keys: dict[str, Any]) -> None:
        monkeypatch.setattr(lying, "answer", lambda path: {"keys": keys} if path == "/jwks_uri" else true(path))

    publish(shared, strange, key)  # which is beside those that prove nothing
    assert finished(lying).name == "ann"
    publish({**key, "use": "enc"})
    with pytest.raises(OpenIdError, match="does not publish"):
        finished(lying)


def test_a_key_that_is_unknown_is_asked_for_once(lying: Liar) -> None:
    provider = Provider(OpenId(issuer=lying.issuer, client_id="pages"), URL)
    for token, keys in ((None, 1), (None, 1), (_of_another_key("two")(lying), 2)):
        lying.token, attempt = token, Attempt()
        address = lying.back(provider.begin(attempt), URL)
        try:
            provider.finish(attempt, httpx.URL(address).params)
        except OpenIdError:
            assert token is not None
        assert lying.requests.count("/jwks_uri") == keys
    provider.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"openid": {"issuer": "http://login.example.com", "client_id": "pages"}, "url": URL},
        {"openid": {"issuer": "https://login.example.com/?tenant=a", "client_id": "pages"}, "url": URL},
        {"openid": {"issuer": "ldap://login.example.com", "client_id": "pages"}, "url": URL},
        {"openid": {"issuer": "https://login.example.com", "client_id": "pages"}},
        {"rights": {"auditor": {"openid_groups": ["Governance"]}}},
        {
            "openid": {"issuer": "https://login.example.com", "client_id": "pages"},
            "url": URL,
            "rights": {"auditor": {"openid_groups": ["Governance"]}},
        },
        {"proxies": ["proxy.example.com"]},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Web.model_validate(wrong)

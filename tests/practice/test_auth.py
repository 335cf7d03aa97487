"""Sign-in as Google's: forms, error codes, tokens that an ordinary JWT library accepts."""

from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.x509 import load_pem_x509_certificate

from tests.practice.bench import DOCUMENTS, Answer, Bench

SECURE = {"returnSecureToken": True}
JWK = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
X509 = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"


def refresh(bench: Bench, token: str, **form: str) -> Answer:
    body = urlencode({"grant_type": "refresh_token", "refresh_token": token, **form}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return bench.ask("POST", "/securetoken.googleapis.com/v1/token", body, headers=headers, key="practice")


def message(answer: Answer) -> tuple[int, str]:
    error = answer.json["error"]
    assert error["code"] == answer.status
    assert error["errors"][0]["message"] == error["message"]
    return answer.status, error["message"]


def verified(bench: Bench, token: str) -> dict[str, Any]:
    """Its claims, checked against the published key and practice time."""
    published = bench.ask("GET", JWK)
    assert published.headers["cache-control"].startswith("public, max-age=")
    keys = {key["kid"]: jwt.PyJWK(key) for key in published.json["keys"]}
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "RS256"
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[header["kid"]],
        algorithms=["RS256"],
        audience="demo-studio",
        issuer="https://securetoken.google.com/demo-studio",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


def test_sign_in(bench: Bench) -> None:
    answer = bench.auth("signInWithPassword", {"email": "Imke@Example.org", "password": "practice-owner-imke"} | SECURE)
    body = answer.json
    assert set(body) == {
        "kind", "localId", "email", "displayName", "idToken", "registered", "refreshToken", "expiresIn",
    }  # fmt: skip
    assert body["kind"] == "identitytoolkit#VerifyPasswordResponse"
    assert body["expiresIn"] == "3600"
    claims = verified(bench, body["idToken"])
    assert claims["sub"] == claims["user_id"] == body["localId"] == bench.uid("imke")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["auth_time"] == claims["iat"] == 1_795_000_000
    assert claims["staff"] is True
    assert claims["roles"] == ["staff", "admin"]
    assert claims["email"] == "imke@example.org"
    assert claims["firebase"]["sign_in_provider"] == "password"


def test_the_certificate_holds_the_same_key(bench: Bench) -> None:
    token = bench.token("imke")
    certificates = bench.ask("GET", X509).json
    pem = certificates[jwt.get_unverified_header(token)["kid"]]
    key = load_pem_x509_certificate(pem.encode()).public_key()
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(token, key, algorithms=["RS256"], audience="demo-studio", options=options)["staff"] is True


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"email": "nobody@example.org", "password": "practice-x"}, "INVALID_LOGIN_CREDENTIALS"),
        ({"email": "imke@example.org", "password": "practice-x"}, "INVALID_LOGIN_CREDENTIALS"),
        ({"email": "imke", "password": "practice-x"}, "INVALID_EMAIL"),
        ({"password": "practice-x"}, "MISSING_EMAIL"),
        ({"email": "", "password": "practice-x"}, "MISSING_EMAIL"),
        ({"email": "imke@example.org"}, "MISSING_PASSWORD"),
    ],
)
def test_refused_sign_ins(bench: Bench, body: dict[str, Any], error: str) -> None:
    assert message(bench.auth("signInWithPassword", body)) == (400, error)


def test_the_api_key_is_needed(bench: Bench) -> None:
    path = "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
    assert bench.ask("POST", path, {}).status == 403
    assert bench.ask("POST", path, {}, key="other").json["error"]["message"].startswith("API key not valid")
    assert bench.ask("POST", path, {}, headers={"x-goog-api-key": "practice"}).status == 400


def test_refresh(bench: Bench) -> None:
    session = bench.sign_in("imke")
    bench.later(3000)
    answer = refresh(bench, session["refreshToken"]).json
    assert set(answer) == {
        "access_token", "expires_in", "token_type", "refresh_token", "id_token", "user_id", "project_id",
    }  # fmt: skip
    assert answer["expires_in"] == "3600"
    assert answer["access_token"] == answer["id_token"]
    claims = verified(bench, answer["id_token"])
    assert claims["auth_time"] == 1_795_000_000
    assert claims["iat"] == 1_795_003_000


def test_new_claims_come_with_the_next_token(bench: Bench) -> None:
    session = bench.sign_in("roshan")
    assert "staff" not in verified(bench, session["idToken"])
    bench.control("POST", f"accounts/{bench.uid('roshan')}", {"claims": {"staff": True}})
    assert verified(bench, refresh(bench, session["refreshToken"]).json["id_token"])["staff"] is True


def test_refused_refreshes(bench: Bench) -> None:
    session = bench.sign_in("teo")["refreshToken"]
    assert message(refresh(bench, "AAAA")) == (400, "INVALID_REFRESH_TOKEN")
    assert message(refresh(bench, session[:-2])) == (400, "INVALID_REFRESH_TOKEN")
    assert message(refresh(bench, session, grant_type="password")) == (400, "INVALID_GRANT_TYPE")
    assert message(refresh(bench, "")) == (400, "MISSING_REFRESH_TOKEN")
    uid = bench.uid("teo")
    bench.control("POST", f"accounts/{uid}", {"disabled": True})
    assert message(refresh(bench, session)) == (400, "USER_DISABLED")
    body = {"email": "teo@example.org", "password": "practice-kiln-teo"}
    assert message(bench.auth("signInWithPassword", body)) == (400, "USER_DISABLED")
    bench.control("POST", f"accounts/{uid}", {"disabled": False})
    assert refresh(bench, session).status == 200
    bench.later(1)
    bench.control("POST", f"accounts/{uid}", {"revoke": True})
    assert message(refresh(bench, session)) == (400, "TOKEN_EXPIRED")
    bench.later(1)
    again = bench.sign_in("teo")["refreshToken"]
    assert refresh(bench, again).status == 200
    bench.control("DELETE", f"accounts/{uid}")
    assert refresh(bench, again).status == 400


def test_an_id_token_outlives_revocation(bench: Bench) -> None:
    headers = bench.bearer("teo")
    bench.later(5)
    bench.control("POST", f"accounts/{bench.uid('teo')}", {"revoke": True, "disabled": True})
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).status == 200


def test_lookup(bench: Bench) -> None:
    session = bench.sign_in("imke")
    user = bench.auth("lookup", {"idToken": session["idToken"]}).json["users"][0]
    assert user["localId"] == session["localId"]
    assert user["customAttributes"] == '{"staff":true,"admin":true,"roles":["staff","admin"]}'
    assert message(bench.auth("lookup", {"idToken": "x.y.z"})) == (400, "INVALID_ID_TOKEN")
    bench.later(3601)
    assert bench.auth("lookup", {"idToken": session["idToken"]}).status == 400


def test_sign_up(bench: Bench) -> None:
    body = {"email": "fresh@example.org", "password": "practice-fresh"} | SECURE
    made = bench.auth("signUp", body).json
    assert set(made) >= {"localId", "idToken", "refreshToken", "expiresIn", "email"}
    assert "staff" not in verified(bench, made["idToken"])
    assert message(bench.auth("signUp", body)) == (400, "EMAIL_EXISTS")
    weak = {"email": "weak@example.org", "password": "1"}
    assert message(bench.auth("signUp", weak))[1].startswith("WEAK_PASSWORD")
    assert bench.auth("signInWithPassword", body).json["localId"] == made["localId"]
    assert bench.auth("nothing", {}).status == 404


def test_no_token_or_password_is_logged(bench: Bench) -> None:
    session = bench.sign_in("imke")
    refresh(bench, session["refreshToken"])
    bench.rules("imke", "GET", "/kilns")
    log = bench.control("GET", "requests").body.decode()
    for secret in (session["idToken"], session["refreshToken"], "practice-owner-imke", "iam-bearer", "control-token"):
        assert secret not in log

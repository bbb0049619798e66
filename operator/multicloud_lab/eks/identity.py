"""STS: who a caller is, and sessions of roles (by trust with an external id, or by a web identity's token).

Every role exists and trusts every principal and identity provider: what is checked is the form of the ARN, the
length of the session, and the external id that the switch `role_external_id` asks for. A web identity's token is a
JWT whose expiry is checked, but not its signature: the provider's keys are not the lab's.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.sessions import Session, Sessions
from multicloud_lab.eks.state import Caller

Form = Mapping[str, Any]
Json = dict[str, Any]

MIN_SESSION_S = 900
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?:[^/]+/)*(?P<name>[\w+=,.@-]{1,64})")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")


def caller_identity(caller: Caller) -> Json:
    """GetCallerIdentity: needs no permission, answers any signed call."""
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


def assume_role(sessions: Sessions, caller: Caller, form: Form) -> Json:
    """AssumeRole. Raises ValidationError, and AccessDeniedException for another external id than the role's."""
    asked = sessions.switches.role_external_id
    if asked is not None and form.get("ExternalId") != asked:
        message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {form.get('RoleArn')}"
        raise AwsError("AccessDeniedException", message, 403)
    return _assumed(_open(sessions, form))


def assume_role_with_web_identity(sessions: Sessions, form: Form) -> Json:
    """AssumeRoleWithWebIdentity. Raises ValidationError, InvalidIdentityToken, ExpiredTokenException."""
    claims = token_claims(str(form.get("WebIdentityToken", "")))
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or not all(isinstance(claims.get(each), str) for each in ("sub", "iss")):
        raise AwsError("InvalidIdentityToken", "The web identity token has no sub, iss or exp", 400)
    if expires <= sessions.now_s():
        raise AwsError("ExpiredTokenException", "Token expired: the web identity token's exp is past", 400)
    audience = claims.get("aud", "")
    return {
        **_assumed(_open(sessions, form)),
        "SubjectFromWebIdentityToken": claims["sub"],
        "Provider": claims["iss"],
        "Audience": audience[0] if isinstance(audience, list) and audience else str(audience),
    }


def role_of(arn: str) -> tuple[str, str]:
    """Return account and name of a role. Raises ValidationError for what is no role's ARN."""
    role = _ROLE.fullmatch(arn)
    if role is None:
        raise AwsError("ValidationError", f"{arn} is invalid", 400)
    return role["account"], role["name"]


def _open(sessions: Sessions, form: Form) -> Session:
    name = str(form.get("RoleSessionName", ""))
    seconds = form.get("DurationSeconds")
    account, role = role_of(str(form.get("RoleArn", "")))
    if _SESSION_NAME.fullmatch(name) is None:
        message = f"Value '{name}' at 'roleSessionName' must have 2 to 64 of the characters a-z, A-Z, 0-9, =,.@_+-"
        raise AwsError("ValidationError", message, 400)
    if seconds is None:
        return sessions.open(account, role, name, sessions.switches.role_session_s)
    if not MIN_SESSION_S <= seconds <= sessions.switches.role_max_session_s:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        if seconds < MIN_SESSION_S:
            message = f"Value '{seconds}' at 'durationSeconds' must be at least {MIN_SESSION_S}"
        raise AwsError("ValidationError", message, 400)
    return sessions.open(account, role, name, seconds)


def _assumed(session: Session) -> Json:
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": session.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": 0,
    }


def token_claims(token: str) -> Json:
    """Return what a JSON web token says, unchecked. Raises InvalidIdentityToken."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, binascii.Error, ValueError):
        claims = None
    if len(parts) != 3 or not isinstance(claims, dict):
        raise AwsError("InvalidIdentityToken", "The web identity token is not a JSON web token", 400)
    return claims

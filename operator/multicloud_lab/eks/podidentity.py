"""The agent of EKS Pod Identity as a pod sees it: GET /v1/credentials with the pod's service account token.

A pod has it at http://169.254.170.23/v1/credentials (AWS_CONTAINER_CREDENTIALS_FULL_URI) and its token in a file
(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE). The role is the seed's `podIdentityRole`; the token's form, audience and
expiry are checked, its signature is not: the cluster's keys are not the lab's.
"""

from aiohttp import web

from multicloud_lab.core.clock import iso
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.identity import role_of, token_claims
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.sessions import Session, Sessions
from multicloud_lab.eks.sigv4 import ANONYMOUS

PATH = "/v1/credentials"
AUDIENCE = "pods.eks.amazonaws.com"
OPERATION = "AssumeRoleForPodIdentity"
"""What the agent asks EKS for; the call's name in the journal and for the gate."""


def pod_identity_app(lab: Lab, sessions: Sessions) -> web.Application:
    """Return the agent's application."""
    app = web.Application()
    app.router.add_get(PATH, _Agent(lab, sessions).credentials)
    return app


class _Agent:
    def __init__(self, lab: Lab, sessions: Sessions) -> None:
        self._lab = lab
        self._sessions = sessions

    async def credentials(self, request: web.Request) -> web.Response:
        lab = self._lab
        lab.clock.catch_up()
        call = Call(cloud=CLOUD, operation=OPERATION, principal=ANONYMOUS)
        try:
            await lab.gate.before(call)
            session = self._open(request.headers.get("Authorization", ""))
        except CallDroppedError:
            lab.record(call, result=DROPPED)
            return hang_up(request)
        except FaultedError as fault:
            lab.record(call, result=fault.result)
            return web.Response(status=500, text="the agent is not well")
        except AwsError as error:
            lab.record(call, result=error.code)
            return web.Response(status=error.status, text=f"{error.code}: {error.message}")
        lab.record(Call(cloud=CLOUD, operation=OPERATION, principal=session.role))
        body = {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "Token": session.token,
            "AccountId": session.account,
            "Expiration": iso(session.expires),
        }
        return web.json_response(body)

    def _open(self, token: str) -> Session:
        claims = token_claims(token)
        audience = claims.get("aud")
        expires = claims.get("exp")
        if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
            raise AwsError("InvalidTokenException", f"The token's audience must be {AUDIENCE}", 400)
        if not isinstance(expires, int | float) or expires <= self._sessions.now_s():
            raise AwsError("ExpiredTokenException", "The token has expired", 400)
        account, role = role_of(self._lab.seed.aws.pod_identity_role)
        # The agent makes the session's name of the cluster and the pod; here it is the service account.
        name = f"eks-{claims.get('sub', 'pod')}".replace(":", "-")[:64]
        return self._sessions.open(account, role, name, self._sessions.switches.role_session_s)

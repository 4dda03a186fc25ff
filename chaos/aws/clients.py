"""boto3 clients of one environment, and whose account they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chaos.aws.factory import ClientFactory
from chaos.aws.retry import patiently
from chaos.model.environment import Environment
from chaos.model.problems import EnvironmentUnusable

if TYPE_CHECKING:
    import boto3


class BotoClients:
    """Clients for a real account or anything that speaks its API.

    Every call of every client, paginators included, is retried when AWS throttles it or cannot be
    reached for a moment; boto3's own retries are off, so that there is one policy.
    """

    def __init__(self, session: boto3.Session, endpoint_url: str | None = None) -> None:
        self._session = session
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client, made once per service."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 1},
            user_agent_extra="chaos-resilience",
        )
        client: Any = self._session.client(
            service,
            endpoint_url=self._endpoint_url,
            config=config,
        )
        # The one method that all operations and paginators go through.
        client._make_api_call = patiently(client._make_api_call)  # noqa: SLF001
        return client


def connect(environment: Environment, credentials: dict[str, str] | None = None) -> BotoClients:
    """Clients for `environment`; `credentials` are boto3's own session arguments.

    Raises:
        EnvironmentUnusable: the profile does not exist or the role cannot be assumed.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session = boto3.Session(
            region_name=environment.region,
            profile_name=environment.profile,
            **(credentials or {}),  # type: ignore[arg-type]  # key, secret and token, all text
        )
        if environment.role_arn:
            session = _assume(session, environment.role_arn)
    except (BotoCoreError, ClientError) as error:
        raise EnvironmentUnusable(f"cannot get AWS credentials: {error}") from error
    return BotoClients(session, environment.endpoint_url)


def _assume(session: boto3.Session, role_arn: str) -> boto3.Session:
    """A session of the role, whose credentials renew themselves while the run lasts."""
    import boto3
    from botocore.credentials import RefreshableCredentials
    from botocore.session import get_session

    sts: Any = session.client("sts")

    def renew() -> dict[str, str]:
        given = sts.assume_role(RoleArn=role_arn, RoleSessionName="chaos")["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    inner: Any = get_session()
    inner._credentials = RefreshableCredentials.create_from_metadata(  # noqa: SLF001 - no other way
        metadata=renew(), refresh_using=renew, method="sts-assume-role"
    )
    return boto3.Session(botocore_session=inner, region_name=session.region_name)


def guard_account(clients: ClientFactory, expected: str | None) -> str:
    """The account that the clients reach.

    Raises:
        EnvironmentUnusable: AWS does not answer, or it is another account than `expected`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        account = str(clients.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise EnvironmentUnusable(f"AWS does not answer: {error}") from error
    if expected is not None and account != expected:
        raise EnvironmentUnusable(
            f"the credentials belong to account {account}; this environment allows {expected} only"
        )
    return account

"""The accounts of the brokers and their clients, each with a certificate of its own."""

from enum import StrEnum

from components.config.security import versioned_name


class Account(StrEnum):
    """Who connects to a broker; the value is the common name of its first certificate.

    The metrics need none: the agent reads them inside each JVM.
    """

    BROKERS = "kafka"
    CONNECT = "kafka-connect"
    REGISTRY = "schema-registry"
    # Pulumi, for the topics.
    TOPICS = "pulumi-topics"
    # Pulumi, for the ACLs: who can change these can do everything, so it is a super user.
    ACLS = "pulumi-acls"
    # bin/datapipe, and whoever uses the exports of `make env`.
    CLIENTS = "clients"

    def common_name(self, version: int) -> str:
        """Return the name in the certificate of this version of the credentials.

        Each version is an account of its own, as with PostgreSQL's: the ACLs of the old one are
        deleted at the end of a rotation, and what holds its certificate can do nothing more.
        """
        return versioned_name(self.value, version)

    def principal(self, version: int) -> str:
        """Return the name of the account in ACLs."""
        return f"User:{self.common_name(version)}"


# Not bound to ACLs, which can be created only when the brokers run.
SUPER_USERS = (Account.BROKERS, Account.ACLS)


def super_users(version: int) -> list[str]:
    """Return the brokers' `super.users`: those of this version, and of its two neighbours.

    While a rotation replaces one broker after the other, those that still run must accept the next
    version's certificates, and those that are replaced the previous one's.
    """
    versions = [one for one in (version - 1, version, version + 1) if one >= 1]
    return [account.principal(one) for one in versions for account in SUPER_USERS]

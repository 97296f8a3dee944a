"""Names and labels of Kubernetes, as a stack file has them."""

import re
from typing import Annotated

from pydantic import AfterValidator

from components.settings import Pattern

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"(?=[^/]{{1,253}}(/|$)){_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_PREFIXED = rf"({_SUBDOMAIN}/)?{_QUALIFIED}"

_NAMESPACE = Pattern(
    _LABEL,
    name="namespace name",
    allowed="1 to 63 of a-z, 0-9 and -, with a letter or digit first and last",
)


def _own(namespace: str) -> str:
    """Refuse Kubernetes' own: the stack creates its namespace, and deletes it at the end."""
    if re.fullmatch(r"default|kube-.*", namespace):
        raise ValueError(
            "is a namespace of Kubernetes' own, but the stack creates its namespace and deletes it"
            " with the stack; write another name"
        )
    return namespace


NamespaceName = Annotated[str, AfterValidator(_NAMESPACE)]
OwnNamespaceName = Annotated[str, AfterValidator(_NAMESPACE), AfterValidator(_own)]
StorageClassName = Annotated[
    str,
    AfterValidator(
        Pattern(
            _SUBDOMAIN,
            name="storage class name",
            allowed="1 to 253 of a-z, 0-9, - and ., with a letter or digit first and last",
        )
    ),
]
ProvisionerName = Annotated[
    str,
    AfterValidator(
        Pattern(
            _PREFIXED,
            name="provisioner",
            allowed="a name such as rancher.io/local-path",
        )
    ),
]
LabelKey = Annotated[
    str,
    AfterValidator(
        Pattern(
            _PREFIXED,
            name="label's key",
            allowed="up to 63 letters, digits, -, _ and ., with a letter or digit first and last,"
            " and before it a DNS name and / if you want, e.g. app.kubernetes.io/name",
        )
    ),
]
LabelValue = Annotated[
    str,
    AfterValidator(
        Pattern(
            rf"({_QUALIFIED})?",
            name="label's value",
            allowed="up to 63 letters, digits, -, _ and ., with a letter or digit first and last",
        )
    ),
]

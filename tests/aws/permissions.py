"""Who may do what: policy documents evaluated over every action and resource of a list.

moto has an evaluator, too, but without conditions; this one knows those that the sinks' policies
have, and refuses to judge a document with anything else. The two are compared in the tests.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.aws.enforcing import ACCOUNT, BUCKET, GLUE, KEY, OTHER_BUCKET

# Actions of AWS's Service Authorization Reference, by service and by kind of resource.
ACTIONS: Mapping[str, Mapping[str, list[str]]] = json.loads(
    (Path(__file__).parent / "iam_actions.json").read_text()
)

S3 = "arn:aws:s3:::"
OWN_BUCKET, OWN_OBJECT = f"{S3}{BUCKET}", f"{S3}{BUCKET}/{KEY}"
PLACES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("s3", "objects"): (
        OWN_OBJECT,
        f"{S3}{BUCKET}/topics",
        f"{S3}{BUCKET}/topics-of-others/file",
        f"{S3}{BUCKET}/elsewhere/file",
        f"{S3}{BUCKET}-2/{KEY}",
        f"{S3}{OTHER_BUCKET}/{KEY}",
    ),
    ("s3", "buckets"): (OWN_BUCKET, f"{OWN_BUCKET}-2", f"{S3}{OTHER_BUCKET}"),
    ("s3", "account"): (f"arn:aws:s3:us-east-1:{ACCOUNT}:job/1",),
    ("glue", "tables"): (
        f"{GLUE}:catalog",
        f"{GLUE}:database/cdc",
        f"{GLUE}:table/cdc/users",
        f"{GLUE}:database/finance",
        f"{GLUE}:table/finance/users",
    ),
    ("glue", "account"): (f"{GLUE}:catalog", f"{GLUE}:job/any"),
    ("iam", "account"): (
        f"arn:aws:iam::{ACCOUNT}:user/datapipe/{BUCKET}",
        f"arn:aws:iam::{ACCOUNT}:policy/datapipe/{BUCKET}",
        f"arn:aws:iam::{ACCOUNT}:role/administrator",
    ),
    ("sts", "account"): (f"arn:aws:iam::{ACCOUNT}:role/administrator",),
    ("kms", "account"): (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/any",),
}
# The prefixes of listings; the empty one is the whole bucket.
PREFIXES = ("topics", "topics/users", "", "elsewhere", "topics-of-others/")


@dataclass(frozen=True)
class Call:
    """An action on a resource."""

    action: str
    resource: str
    prefix: str | None = None
    """of a listing"""


def matrix() -> Iterator[Call]:
    """Return every action of the list on every place of its kind."""
    for service, kinds in ACTIONS.items():
        for kind, actions in kinds.items():
            for action in actions:
                for place in PLACES[service, kind]:
                    prefixes = PREFIXES if action == "ListBucket" else (None,)
                    for prefix in prefixes:
                        yield Call(f"{service}:{action}", place, prefix)


def permitted(document: Mapping[str, Any]) -> set[Call]:
    """Return what a policy allows of the matrix. Raises ValueError for what is not known here."""
    return {call for call in matrix() if any(_allows(s, call) for s in document["Statement"])}


def _allows(statement: Mapping[str, Any], call: Call) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown or statement["Effect"] != "Allow":
        raise ValueError(f"statement {statement.get('Sid')}: {unknown or 'Deny'} is not evaluated")
    return (
        any(_matches(pattern.lower(), call.action.lower()) for pattern in statement["Action"])
        and any(_matches(pattern, call.resource) for pattern in statement["Resource"])
        and all(
            _holds(operator, keys, call)
            for operator, keys in statement.get("Condition", {}).items()
        )
    )


def _holds(operator: str, keys: Mapping[str, list[str]], call: Call) -> bool:
    """Return a condition on a listing's prefix; it does not hold where a call has none."""
    if operator != "StringLike" or keys.keys() != {"s3:prefix"}:
        raise ValueError(f"condition {operator} on {', '.join(keys)} is not evaluated")
    prefix = call.prefix
    return prefix is not None and any(_matches(pattern, prefix) for pattern in keys["s3:prefix"])


def _matches(pattern: str, text: str) -> bool:
    """IAM's wildcards are * and ?; a bracket is literal."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))

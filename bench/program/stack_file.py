"""The stack file that is measured: the sandbox's, with any number of tables."""

import yaml

from clients.stack import PROJECT


def tables(count: int) -> list[str]:
    """Return the names of so many tables."""
    return [f"public.table_{number:05}" for number in range(count)]


def stack_file(count: int) -> str:
    """Return the text of a stack file with so many tables, whose topics have one partition each."""
    document = yaml.safe_load((PROJECT / "Pulumi.sandbox.yaml").read_text())
    sections = {"tables": tables(count), "topics": {"protect": False, "partitions": 1}}
    given = {f"datapipe:{key}": value for key, value in sections.items()}
    return yaml.safe_dump({"config": {**document["config"], **given}}, sort_keys=False)

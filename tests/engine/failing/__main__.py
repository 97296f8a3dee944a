"""A resource that fails with an explained error, or with another one, as FAULT and METHOD say."""

import os
from typing import Any

from pulumi import dynamic

from components.dynamic_provider import Provider
from components.source.pod_exec import PodExecError

FAULTS: dict[str, type[Exception]] = {"explained": PodExecError, "unexpected": ValueError}


class FailingProvider(Provider):
    """Raises FAULT in METHOD."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        fail_in("check")
        return dynamic.CheckResult(news, [])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        fail_in("create")
        return dynamic.CreateResult("made", props)


class Failing(dynamic.Resource, module="datapipe", name="Failing"):
    """A resource of FailingProvider."""


def fail_in(method: str) -> None:
    if os.environ["METHOD"] == method:
        raise FAULTS[os.environ["FAULT"]](f"the pod is away; {method} again later")


Failing(FailingProvider(), "failing", {})

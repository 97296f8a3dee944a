"""The most that a stack may take of its cluster (`datapipe:budget`)."""

from pydantic import Field

from components.settings import Mebibytes, Millicores, Settings


class BudgetSettings(Settings):
    """The limits for all pods and volumes of the stack together (design: "4Gi Total")."""

    memory: Mebibytes = Field(
        default=4 * 1024,
        description="Limit on the sum of the memory limits of all pods that can run together.",
    )
    cpu: Millicores = Field(
        default=4000,
        description="Limit on the sum of the CPU limits of all pods that can run together.",
    )
    storage: Mebibytes = Field(
        default=15 * 1024,
        description="Limit on the sum of the storage that all volume claims request.",
    )

"""The configuration of SQL over the archive with Athena (`datapipe:archive.athena`)."""

from typing import Annotated

from pydantic import AfterValidator, Field

from components.settings import LARGEST_INT, Mebibytes, Pattern, Settings

# What the reader's role adds to the bucket's name; IAM allows 64 characters.
READER_SUFFIX = "-reader"
# What the views' database adds to the archive's.
VIEWS_SUFFIX = "_views"

PrincipalArn = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"arn:aws[a-z-]*:iam::\d{12}:(root|(user|role)/[A-Za-z0-9+=,.@_/-]+)",
            name="ARN of who may read",
            allowed="arn:aws:iam::<account>:user/<name>, :role/<name>, or :root, by which the"
            " account's own policies decide",
        )
    ),
]
# Of the bucket. S3 allows 1,024 characters for an object's key: in the archive this folder, twice
# the name of the topic (249 at most), the hour and the offsets.
FolderName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[A-Za-z0-9_-]{1,255}", name="folder name", allowed="1 to 255 letters, digits, _ and -"
        )
    ),
]


class AthenaSettings(Settings):
    """Who may ask the archive questions with Athena, and what that may cost."""

    readers: tuple[PrincipalArn, ...] = Field(
        min_length=1,
        description="ARNs of the users, roles or accounts that may take on the reader's role, which"
        " may query the archive and do nothing else.",
    )
    scan_limit: Mebibytes = Field(
        default=100 * 1024,
        ge=10,
        description="What a query may read, such as 100Gi; Athena cancels it above, and takes no"
        " limit below 10Mi.",
    )
    results_days: int = Field(
        default=7,
        ge=1,
        le=LARGEST_INT,
        description="Days after which the results of queries, which contain rows of the archive,"
        " are deleted.",
    )
    results_prefix: FolderName = Field(
        default="athena-results",
        description="Folder of the bucket for the results of queries.",
    )

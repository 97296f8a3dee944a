"""Container images: from trusted repositories, never `latest`, by digest if the settings say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.finding import Finding, judge
from policies.pods import Container, pod_template
from policies.resource import Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "allowedRepositories": {
        "type": "array",
        "items": {"type": "string"},
        "default": [
            "docker.io/library/postgres",
            "docker.io/confluentinc/",
            "docker.io/curlimages/curl",
        ],
        "description": "repositories of images; one that ends in / allows everything below it",
    },
    "requireDigest": {
        "type": "boolean",
        "default": False,
        "description": "whether an image must be named by its digest, so that it can't change",
    },
}

REFERENCE = re.compile(
    r"(?P<repository>[^@:]+(?::\d+/[^@:]+)?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>[a-z0-9]+:\w+))?"
)


@dataclass(frozen=True)
class ImageReference:
    """An image's full name; Docker Hub's short names are expanded."""

    repository: str
    tag: str | None
    digest: str | None


def parse_reference(image: str) -> ImageReference:
    """Parse an image's name. Raises ValueError for an invalid one."""
    match = REFERENCE.fullmatch(image)
    if match is None:
        raise ValueError(
            f"{image!r} is not a valid image name; write REPOSITORY:TAG or REPOSITORY@DIGEST"
        )
    return ImageReference(_expanded(match["repository"]), match["tag"], match["digest"])


def _expanded(repository: str) -> str:
    """Add docker.io and library/, which may be omitted."""
    registry, slash, _ = repository.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        return repository
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"


def trusted_images(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse images that are not pinned or not from an allowed repository."""
    template = pod_template(resource)
    if template is None:
        return
    for container in template.containers():
        yield from judge(_trusted, container, settings)


def _trusted(container: Container, settings: Settings) -> Iterator[str]:
    stated = container.spec.get("image")
    if stated is None:
        yield f"{container.title} has no image; set image"
        return
    try:
        image = parse_reference(str(stated))
    except ValueError as wrong:
        yield f"{container.title}: {wrong}"
        return
    if image.digest is None and image.tag in (None, "latest"):
        yield f"{container.title}: {stated} can change at any time; give a version as its tag"
    if image.digest is None and settings["requireDigest"]:
        yield f"{container.title}: {stated} has no digest; write {stated}@sha256:…"
    if not any(_allows(allowed, image.repository) for allowed in settings["allowedRepositories"]):
        yield (
            f"{container.title}: {image.repository} is not in this policy's allowedRepositories"
            f" ({', '.join(settings['allowedRepositories'])})"
        )


def _allows(allowed: str, repository: str) -> bool:
    return repository.startswith(allowed) if allowed.endswith("/") else repository == allowed

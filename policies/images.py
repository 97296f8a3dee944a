"""Container images: from registries that are trusted, never `latest`, by digest where asked."""

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
        "description": "repositories of images; one that ends in / allows all that lie in it",
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
    """An image's name in full: Docker Hub's short names are written out."""

    repository: str
    tag: str | None
    digest: str | None


def parse_reference(image: str) -> ImageReference:
    """Take an image's name apart. Raises ValueError where it is none."""
    match = REFERENCE.fullmatch(image)
    if match is None:
        raise ValueError(f"{image!r} is no image name")
    return ImageReference(_in_full(match["repository"]), match["tag"], match["digest"])


def _in_full(repository: str) -> str:
    """docker.io and library/, which may be left out, put in."""
    registry, slash, _ = repository.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        return repository
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"


def trusted_images(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Every container's image is pinned and comes from an allowed repository."""
    template = pod_template(resource)
    if template is None:
        return
    for container in template.containers():
        yield from judge(_trusted, container, settings)


def _trusted(container: Container, settings: Settings) -> Iterator[str]:
    stated = container.spec.get("image")
    if stated is None:
        yield f"{container.title} names no image"
        return
    try:
        image = parse_reference(str(stated))
    except ValueError as wrong:
        yield f"{container.title}: {wrong}"
        return
    if image.digest is None and image.tag in (None, "latest"):
        yield f"{container.title}: {stated} may be another image tomorrow; give a version as tag"
    if image.digest is None and settings["requireDigest"]:
        yield f"{container.title}: {stated} has no digest; write {stated}@sha256:…"
    if not any(_allows(allowed, image.repository) for allowed in settings["allowedRepositories"]):
        yield (
            f"{container.title}: {image.repository} is not among the allowed repositories"
            f" ({', '.join(settings['allowedRepositories'])})"
        )


def _allows(allowed: str, repository: str) -> bool:
    return repository.startswith(allowed) if allowed.endswith("/") else repository == allowed

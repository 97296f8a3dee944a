"""OCI image layouts: layers and configuration by umoci, one tar archive per image at the end."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from images.commands import run
from images.model import Entry, Folder, Link, ProcessConfig, TextFile
from tools.errors import UserError

# The reference inside a layout; the archive's own name is an annotation of its index.
_TAG = "image"
_NAME_ANNOTATION = "io.containerd.image.name"
_INDEX = "index.json"

# Layers must not differ from build to build by the time of day.
_FILE_TIME = 0


def new_layout(umoci: Path, layout: Path) -> None:
    """Make an OCI layout that holds one image without layers."""
    run([umoci, "init", "--layout", layout])
    run([umoci, "new", "--image", f"{layout}:{_TAG}"])


def open_layout(archive: Path, layout: Path) -> None:
    """Unpack an archive that `write_archive` made, to build on the image in it."""
    with tarfile.open(archive) as contents:
        contents.extractall(layout, filter="data")
    index = _read_index(layout)
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": _TAG}
    (layout / _INDEX).write_text(json.dumps(index))


def add_layer(umoci: Path, layout: Path, tar: Path, created_by: str) -> None:
    """Put the files of `tar` on top of the image, as one layer."""
    command: list[str | Path] = [umoci, "raw", "add-layer", "--image", f"{layout}:{_TAG}"]
    run([*command, "--history.created_by", created_by, tar])


def configure(umoci: Path, layout: Path, config: ProcessConfig) -> None:
    """Set the user, the environment and the entry point of the image."""
    options = [
        *(f"--config.env={name}={value}" for name, value in config.env.items()),
        *(f"--config.entrypoint={word}" for word in config.entrypoint),
    ]
    if config.user:
        options.append(f"--config.user={config.user}")
    run([umoci, "config", "--image", f"{layout}:{_TAG}", *options])
    run([umoci, "gc", "--layout", layout])


def declare(umoci: Path, layout: Path, volumes: Sequence[str], command: Sequence[str]) -> None:
    """Set the image's volumes and its default command, as a Dockerfile's VOLUME and CMD do."""
    options = [
        *(f"--config.volume={volume}" for volume in volumes),
        *(f"--config.cmd={word}" for word in command),
    ]
    run([umoci, "config", "--image", f"{layout}:{_TAG}", *options])
    run([umoci, "gc", "--layout", layout])


def write_archive(layout: Path, archive: Path, reference: str) -> None:
    """Write the layout to a tar archive that containerd imports under the name `reference`."""
    index = _read_index(layout)
    index["manifests"][0]["annotations"] = {_NAME_ANNOTATION: reference}
    (layout / _INDEX).write_text(json.dumps(index))
    blobs = sorted(path for path in layout.rglob("*") if path.is_file() and path.name != _INDEX)
    with tarfile.open(archive, "w") as contents:
        # First, so that `digest` finds it without reading through the layers.
        for path in (layout / _INDEX, *blobs):
            contents.add(path, arcname=str(path.relative_to(layout)), filter=_anonymous)


def digest(archive: Path) -> str:
    """Return the digest of the image's manifest: what containerd calls the image's target."""
    with tarfile.open(archive) as contents:
        first = contents.next()
        content = contents.extractfile(first) if first else None
        if first is None or first.name != _INDEX or content is None:
            raise UserError(f"{archive} is damaged: remove it and build again.")
        return str(json.load(content)["manifests"][0]["digest"])


def write_layer(tar: Path, files: Sequence[tuple[Path, str]]) -> None:
    """Write a layer that holds each file at its absolute path, owned by root, readable by all.

    A link is followed: the layer holds what it points at.
    """
    with tarfile.open(tar, "w", dereference=True) as contents:
        for folder in _folders([target for _, target in files]):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, _FILE_TIME
            contents.addfile(entry)
        for source, target in sorted(files, key=lambda pair: pair[1]):
            contents.add(source, arcname=target.lstrip("/"), filter=_anonymous)


def write_entries(tar: Path, entries: Sequence[Entry]) -> None:
    """Write a layer of folders, links and small files."""
    with tarfile.open(tar, "w") as contents:
        for entry in entries:
            info = tarfile.TarInfo(entry.path.lstrip("/"))
            info.mtime = _FILE_TIME
            match entry:
                case Folder():
                    info.type, info.mode = tarfile.DIRTYPE, 0o775
                    info.uid = info.gid = entry.uid
                    contents.addfile(info)
                case Link():
                    info.type, info.linkname = tarfile.SYMTYPE, entry.target
                    contents.addfile(info)
                case TextFile():
                    content = entry.text.encode()
                    info.mode, info.size = 0o755 if entry.executable else 0o644, len(content)
                    contents.addfile(info, io.BytesIO(content))


def _folders(targets: Sequence[str]) -> list[str]:
    parents = {parent for target in targets for parent in Path(target).parents}
    return sorted(str(parent).lstrip("/") for parent in parents if parent != Path("/"))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = _FILE_TIME
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry


def _read_index(layout: Path) -> dict[str, list[dict[str, object]]]:
    index: dict[str, list[dict[str, object]]] = json.loads((layout / _INDEX).read_text())
    return index

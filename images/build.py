"""Building the images that the cache lacks and importing those that containerd lacks."""

import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from images import containerd, jars, oci, plugins, rootfs
from images.keys import binary_of, key
from images.model import Image, JarFolder, Variant
from tools import debian, paths
from tools.errors import UserError
from tools.locking import locked
from tools.progress import Progress

_TOOL_PACKAGES = ("debian-archive-keyring", "mmdebstrap", "umoci")

# Two root file systems and Maven wait for the network by turns.
_PARALLEL = 3


def ensure(images: Sequence[Image], ctr: Sequence[str], progress: Progress) -> None:
    """Build the images that the cache lacks and import those that containerd lacks.

    A base comes before the images built on it. `ctr` is containerd's client with its address and
    namespace. An image whose inputs changed is imported again under its name; running pods keep
    the old one. Raises UserError.
    """
    archives = build(images, progress)
    present = containerd.imported_digests(ctr)
    for image in images:
        archive = archives[image.name]
        if present.get(image.reference) == oci.digest(archive):
            continue
        start = time.monotonic()
        containerd.import_archive(ctr, archive)
        progress(f"image {image.reference}: imported in {time.monotonic() - start:.0f} s")


def build(images: Sequence[Image], progress: Progress) -> dict[str, Path]:
    """Build the images that the cache lacks and return each image's archive by its name.

    A base comes before the images built on it. Raises UserError.
    """
    folder = paths.cache() / "images"
    with locked(folder / ".lock", progress, "another run that builds images"):
        archives = {image.name: folder / f"{image.name}-{key(image)}.tar" for image in images}
        missing = [image for image in images if not archives[image.name].exists()]
        if missing:
            progress(f"building images: {', '.join(image.name for image in missing)}")
            _Build(folder, archives, progress).run(missing)
    return archives


class _Build:
    """One run: its work folder, and tasks that wait for those they depend on."""

    def __init__(
        self,
        folder: Path,
        archives: dict[str, Path],
        progress: Progress,
    ) -> None:
        self._work = folder / "work"
        self._logs = folder / "log"
        self._tools = folder / "tools"
        self._archives = archives
        self._progress = progress

    def run(self, images: Sequence[Image]) -> None:
        # What a killed run left behind; the lock says that no other run is at work.
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        try:
            debian.unpack(_TOOL_PACKAGES, self._tools)
            with ThreadPoolExecutor(_PARALLEL) as pool:
                self._submit(pool, images)
        finally:
            shutil.rmtree(self._work)

    def _submit(self, pool: ThreadPoolExecutor, images: Sequence[Image]) -> None:
        """Start all tasks in an order in which none waits for one that has no thread yet."""
        downloaded: Future[None] | None = None
        if any(image.jars for image in images):
            downloaded = pool.submit(self._download_jars)
        built: dict[str, Future[None]] = {}
        for image in images:
            base = built.get(image.base.name) if image.base else None
            needed = [base] if base else []
            if image.jars and downloaded:
                needed.append(downloaded)
            built[image.name] = pool.submit(self._build, image, needed)
        for future in built.values():
            future.result()

    def _download_jars(self) -> None:
        start = time.monotonic()
        jars.download(
            self._work / "jars",
            repository=paths.cache() / "maven",
            log=self._logs / "maven.log",
            progress=self._progress,
        )
        for module in jars.modules():
            jars.verify(self._work / "jars" / module, module)
        self._progress(f"jars: downloaded and verified in {time.monotonic() - start:.0f} s")

    def _build(self, image: Image, needed: Iterable[Future[None]]) -> None:
        start = time.monotonic()
        work = self._work / image.name
        work.mkdir()
        root = self._root_tar(image, work)
        for future in needed:
            future.result()
        layout, umoci = work / "layout", self._tools / "usr/bin/umoci"
        if image.base:
            oci.open_layout(self._archives[image.base.name], layout)
        else:
            oci.new_layout(umoci, layout)
        if root:
            oci.add_layer(umoci, layout, root, "Debian packages")
        if files := self._files(image):
            layer = work / "files.tar"
            oci.write_layer(layer, files)
            oci.add_layer(umoci, layout, layer, "datapipe files")
        if isinstance(image, Variant):
            layer = work / "entries.tar"
            oci.write_entries(layer, image.entries)
            oci.add_layer(umoci, layout, layer, "datapipe variant")
            oci.declare(umoci, layout, image.volumes, image.command)
        oci.configure(umoci, layout, image.config)
        archive = self._archives[image.name]
        unfinished = work / "archive.tar"
        oci.write_archive(layout, unfinished, image.reference)
        unfinished.rename(archive)
        megabytes = archive.stat().st_size / 1e6
        seconds = time.monotonic() - start
        self._progress(f"image {image.name}: built in {seconds:.0f} s, {megabytes:.0f} MB")

    def _root_tar(self, image: Image, work: Path) -> Path | None:
        if image.root is None:
            return None
        tar = work / "root.tar"
        log = self._logs / f"{image.name}.log"
        rootfs.make_root(image.root, tar, self._tools, log, self._progress)
        return tar

    def _files(self, image: Image) -> list[tuple[Path, str]]:
        """Return what goes into the image besides packages: files and their absolute paths."""
        files = [pair for jar_folder in image.jars for pair in self._jar_files(jar_folder)]
        if image.binary:
            files.append((binary_of(image), f"/{image.binary}"))
        return files

    def _jar_files(self, jar_folder: JarFolder) -> list[tuple[Path, str]]:
        folder = self._work / "jars" / jar_folder.module
        if jar_folder.file:
            return [(_only(folder, jar_folder.file), jar_folder.target)]
        if jar_folder.connect_plugin:
            jars.unpack_plugin_archive(folder)
            plugins.add_manifests(folder, kafka_jars=self._work / "jars/kafka")
        return [(path, f"{jar_folder.target}/{path.name}") for path in sorted(folder.iterdir())]


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise UserError(f"{folder.name}: expected one file {pattern}, found {len(found)}")
    return found[0]

"""What `up`, `down` and the other commands do, on top of the node, toolchain and state."""

import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from images import build as image_builds
from provider_plugins import install as plugins
from sandbox import aws, backend, paths, preflight, state, supervisor
from sandbox.node import lifecycle, packet_filter, teardown
from sandbox.node.images import IMAGES
from sandbox.state import Owner, Situation
from sandbox.toolchain import install as node_programs
from tools import install, official
from tools import paths as tool_paths
from tools.errors import UserError
from tools.locking import locked
from tools.progress import Progress


def up(progress: Progress) -> None:
    """Bring the sandbox up: start it, or heal it, or clean up after one that was killed."""
    with _machine_lock(progress):
        found = state.situation()
        if found is Situation.FOREIGN:
            raise state.refusal(_recorded_owner())
        if found is Situation.RUNNING:
            toolchain(progress)
            if _heal(progress):
                return
        elif found is Situation.LEFTOVERS:
            progress("cleaning up after a sandbox that was killed, or a reboot")
        if found is not Situation.ABSENT:
            _remove(progress)
        _start(progress)


def down(progress: Progress, *, force: bool, with_cache: bool) -> None:
    """Remove every trace of the sandbox; the cache too when asked. No sandbox is fine."""
    with _machine_lock(progress):
        found = state.situation()
        if found is Situation.FOREIGN and not force:
            raise state.refusal(_recorded_owner())
        if found is Situation.ABSENT:
            progress("there is no sandbox on this machine")
        else:
            _remove(progress)
            progress("the sandbox is gone")
        if with_cache and tool_paths.cache().exists():
            shutil.rmtree(tool_paths.cache())
            progress(f"{tool_paths.cache()} is gone")


def toolchain(progress: Progress) -> None:
    """Build whatever of the engine's and the node's programs is missing."""
    node_programs.ensure_node(progress)
    install.ensure_pulumi(progress)


def check_machine() -> None:
    """Run preflight. Raises UserError with the obstacles that it found."""
    found = state.situation()
    if found is Situation.FOREIGN:
        raise state.refusal(_recorded_owner())
    if found is Situation.ABSENT:
        preflight.require(preflight.facts())


def status() -> bool:
    """Print each program's and check's state; return whether all is well."""
    found = state.situation()
    owner = state.owner()
    if found not in (Situation.RUNNING, Situation.FOREIGN) or owner is None:
        print("no sandbox runs on this machine")
        return False
    print(f"sandbox of {owner.clone}, started {owner.created}")
    well = True
    for program in supervisor.statuses().values():
        well = well and program.state == supervisor.RUNNING
        print(f"  {program.name:<26}{program.state:<10}{program.description}")
    for check in lifecycle.CHECKS:
        holds = check.holds()
        well = well and holds
        print(f"  {check.what:<26}{'ok' if holds else 'NOT OK'}")
    marked = aws.has_mark(owner.sandbox_id)
    print(f"  {'AWS state':<26}{'ok' if marked else 'LOST: moto was restarted; run `up`'}")
    return well and marked


def _start(progress: Progress) -> None:
    preflight.require(preflight.facts())
    toolchain(progress)
    if packet_filter.has_proxy_tables():
        raise UserError(
            "the packet filter has tables of another kube-proxy (`nft list tables`). If no "
            "Kubernetes runs here: `nft delete table ip kube-proxy`, and the same for ip6"
        )
    image_builds.build(IMAGES, progress)
    lifecycle.start(progress)
    _provide_plugins()
    # Last, so that a start that was interrupted counts as leftovers and is repeated.
    owner = Owner.new()
    aws.mark(owner.sandbox_id)
    state.record(owner)
    progress("the sandbox is up")


def _heal(progress: Progress) -> bool:
    """Heal a running sandbox. False when AWS' state is lost, so that only a new start helps."""
    owner = _recorded_owner()
    lifecycle.heal(progress)
    if aws.has_mark(owner.sandbox_id):
        _provide_plugins()
        backend.release_stale_locks(progress)
        progress("the sandbox is up")
        return True
    progress(
        "moto was restarted: it keeps AWS in memory, so buckets and catalog are gone, while the "
        "rest goes on from where it was. Starting from scratch"
    )
    return False


def _provide_plugins() -> None:
    """Lay out our provider plugins where no official ones can be had."""
    if not official.plugins_are_official():
        plugins.install(paths.PULUMI_HOME, Path(sys.prefix))


def _remove(progress: Progress) -> None:
    progress("stopping pods and programs, removing mounts, interfaces, packet filter and folders")
    node_programs.ensure_packet_filter(progress)  # nft, should the cache be gone
    teardown.remove_everything()


def _machine_lock(progress: Progress) -> AbstractContextManager[None]:
    return locked(paths.LOCK, progress, "another run of `up` or `down` on this machine")


def _recorded_owner() -> Owner:
    owner = state.owner()
    if owner is None:
        raise UserError(f"the record of the sandbox's owner in {paths.STATE} is damaged")
    return owner

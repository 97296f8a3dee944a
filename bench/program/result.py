"""What was measured of the program, and its tables as Markdown."""

from collections.abc import Iterable, Iterator

from bench.result import Machine, Part
from clients.stack import PROJECT

OUTPUT = PROJECT / "docs/bench/program.json"


class Cost(Part):
    """What a command has used, in seconds."""

    seconds: float
    cpu: float
    """of all its processes together"""


class Commands(Part):
    """What the commands of a stack have used."""

    preview: Cost
    """of a stack that does not exist yet"""
    judged: Cost
    """the same, with the policies"""
    up: Cost | None
    """without a preview before it; None: not measured"""
    up_at_once: Cost
    """the same, with the state written once at the end instead of twice for each resource"""
    unchanged: Cost
    """a preview after it"""
    state: int
    """bytes of the state afterwards"""


class Size(Part):
    """A stack with a number of tables, and as many empty resources."""

    tables: int
    resources: int
    program: Commands
    empty: Commands


class ProgramGrowth(Part):
    """The whole measurement."""

    at: str
    revision: str
    machine: Machine
    sizes: tuple[Size, ...]


COMMANDS = {
    "preview": "preview, new stack",
    "judged": "… with the policies",
    "up": "up, new stack",
    "up_at_once": "… state written once",
    "unchanged": "preview, no change",
}


def text(measured: ProgramGrowth) -> str:
    """Return the measurement as Markdown."""
    machine = measured.machine
    about = (
        f"Measured on {measured.at[:10]} at revision {measured.revision} on {machine.cores} cores"
        f" ({machine.processor}), load average before: {machine.load_before:.1f}. CPU seconds of"
        " all processes: of the program / of as many empty resources = ratio; in brackets the"
        " seconds that the command took."
    )
    return "\n".join([about, "", *_table(measured.sizes)])


def _table(sizes: Iterable[Size]) -> Iterator[str]:
    yield f"| tables | resources | {' | '.join(COMMANDS.values())} | state |"
    yield f"|--:|--:|{'--:|' * len(COMMANDS)}--:|"
    for size in sizes:
        cells = [_cell(size, command) for command in COMMANDS]
        states = f"{_mebibytes(size.program.state)} / {_mebibytes(size.empty.state)} MiB"
        yield f"| {size.tables:,} | {size.resources:,} | {' | '.join(cells)} | {states} |"


def _cell(size: Size, command: str) -> str:
    ours: Cost | None = getattr(size.program, command)
    theirs: Cost | None = getattr(size.empty, command)
    if ours is None or theirs is None:
        return "–"
    return (
        f"{ours.cpu:.1f} / {theirs.cpu:.1f} = **{ours.cpu / theirs.cpu:.1f}**"
        f" ({ours.seconds:.0f} / {theirs.seconds:.0f})"
    )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f}"

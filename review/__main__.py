"""`python -m review report|manifests [--base DIR] [--output DIR] STACK...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from review.manifests import changes, manifests
from review.preview import Preview, PreviewError, preview
from review.report import Review


def main() -> None:
    """Review the stacks; exit code 1 for an unexpected violation, or an expected one not found."""
    arguments = _parser().parse_args()
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        if arguments.command == "report":
            sys.exit(0 if _report(arguments.stacks, arguments.base, arguments.output) else 1)
        for stack in arguments.stacks:
            (arguments.output / f"{stack}.yaml").write_text(manifests(preview(stack).resources))
    except PreviewError as error:
        sys.exit(f"review: the preview failed, so nothing was judged:\n{error}")


def _report(stacks: list[str], base: Path | None, output: Path | None) -> bool:
    passes, texts = True, []
    for stack in stacks:
        now = preview(stack)
        differences = _since(base, now) if base else None
        review = Review(now, differences)
        passes = passes and review.passes
        texts.append(review.markdown())
        print(texts[-1], flush=True)
        if output and differences:
            (output / f"{stack}.diff").write_text(differences)
    if output:
        (output / "report.md").write_text("\n".join(texts))
    return passes


def _since(base: Path, now: Preview) -> str:
    """Return the diff against another checkout, or why its program can't be previewed."""
    try:
        before = preview(now.stack, base)
    except PreviewError as error:
        return f"the preview of the base failed, so nothing was compared:\n{error}"
    return changes(before.resources, now.resources)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m review", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="judge the stacks and print their budgets")
    report.add_argument("--base", type=Path, help="checkout to compare with, such as main")
    report.add_argument("--output", type=Path, help="folder for report.md and the full diffs")
    rendered = commands.add_parser("manifests", help="write the Kubernetes objects as YAML")
    rendered.add_argument("--output", type=Path, required=True, help="folder for STACK.yaml")
    for command in (report, rendered):
        command.add_argument("stacks", nargs="+", metavar="STACK")
    return parser


if __name__ == "__main__":
    main()

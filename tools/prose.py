"""Refuse odd words and empty docstrings: `python -m tools.prose [FILE…]`, part of `make lint`.

The phrases and what to write instead are in prose.toml. They are looked for in the text of
documents, comments, docstrings, string literals and data files; code is not read as prose. A line
that has to quote a phrase says `prose: allow` and why; a longer passage is between `prose: off`
with the reason and `prose: on`.

Docstrings of Python have three rules: a function's starts with a verb ("Return …"), none only
repeats the name, and a constant is explained in a comment above it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHRASES_FILE = Path(__file__).with_suffix(".toml")

# Recorded measurements, in the words of the program of their day.
RECORDED = ("docs/bench/", "docs/chaos/chaos.json")

MARKDOWN, PYTHON = ".md", ".py"
OTHER_SUFFIXES = {".sh", ".java", ".yaml", ".yml", ".toml", ".json", ".sql", ".in", ".conf", ".css"}
OTHER_NAMES = {"Makefile", "run"}

# Replaces code in the text that is searched: no phrase continues across it.
CODE = "\0"

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.M | re.S)
INLINE_CODE = re.compile(r"`[^`\n]+`")
COMMENT_MARK = re.compile(r"^[ \t]*(#+|//+|/?\*+/?|--|>)", re.M)
STRING = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quote>\"\"\"|'''|\"|')(?P<text>.*)(?P=quote)", re.S)
FIELD = re.compile(r"\{[^{}]*\}")
ESCAPE = re.compile(r"\\[a-z]")
ALLOWED_LINE = re.compile(r"prose: allow\b.*\w")
OFF, ON = re.compile(r"prose: off\b.*\w"), re.compile(r"prose: on\b")

# A function's docstring that starts with one of these is a description, not an imperative.
DESCRIBING = {
    *("a", "an", "the", "its", "this", "that", "these", "those", "it", "there"),
    *("what", "when", "where", "whether", "which", "who", "whom", "whose", "why", "how"),
    *("all", "any", "both", "each", "every", "everything", "no", "nothing", "only", "some"),
    *("one", "two", "of"),
}
# Decorators whose functions are used as values, so that a noun names what they give.
VALUES = {"property", "cached_property", "fixture"}
EMPTY_WORDS = DESCRIBING | {"and", "are", "as", "by", "for", "from", "in", "is", "or", "to", "with"}


@dataclass(frozen=True)
class Phrase:
    """A pattern that is refused, and what to write instead."""

    pattern: re.Pattern[str]
    write: str


@dataclass(frozen=True, order=True)
class Fault:
    """Something to rewrite, by its place in a file."""

    line: int
    message: str


def read_phrases() -> list[Phrase]:
    """Return the phrases of prose.toml. A space in a pattern matches any white space."""
    entries = tomllib.loads(PHRASES_FILE.read_text())["phrases"]
    return [
        Phrase(re.compile(_any_space(entry["pattern"]), re.I), entry["write"]) for entry in entries
    ]


def _any_space(pattern: str) -> str:
    """Let a space match any white space: several, or one in a look-behind (its width is fixed)."""
    before, bracket, rest = pattern.partition(")") if "(?<" in pattern else ("", "", pattern)
    return before.replace(" ", r"\s") + bracket + rest.replace(" ", r"\s+")


def faults(path: str, text: str, phrases: Iterable[Phrase]) -> list[Fault]:
    """Return what has to be rewritten in a file, except where the file says why not."""
    found = _phrases_in(_prose(path, text), phrases)
    if path.endswith(PYTHON):
        found += _docstring_faults(ast.parse(text))
    allowed = _allowed_lines(text)
    return sorted(fault for fault in found if fault.line not in allowed)


def _phrases_in(prose: str, phrases: Iterable[Phrase]) -> list[Fault]:
    return [
        Fault(
            prose.count("\n", 0, match.start()) + 1,
            f"“{' '.join(match[0].replace(CODE, '…').split())}”: write {phrase.write}",
        )
        for phrase in phrases
        for match in phrase.pattern.finditer(prose)
    ]


def _allowed_lines(text: str) -> set[int]:
    allowed, off = set(), False
    for number, line in enumerate(text.splitlines(), start=1):
        off = bool(OFF.search(line)) or (off and not ON.search(line))
        if off or ALLOWED_LINE.search(line):
            allowed.add(number)
    return allowed


def _prose(path: str, text: str) -> str:
    """Return the text with everything but prose blanked, so that offsets stay what they are."""
    if path.endswith(PYTHON):
        return _blanked(INLINE_CODE, _python_prose(text))
    if path.endswith(MARKDOWN):
        text = _blanked(FENCE, text)
    text = COMMENT_MARK.sub(lambda mark: " " * len(mark[0]), text)
    return _blanked(INLINE_CODE, text)


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda code: _code(code[0]), text)


def _code(text: str) -> str:
    return re.sub(r"\S", CODE, text)


def _python_prose(source: str) -> str:
    """Keep comments and the text of strings; strings without white space are names and keys."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    prose = list(_code(source))
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            kept = re.sub(r"^#+", lambda mark: " " * len(mark[0]), token.string)
        elif token.type == tokenize.STRING:
            kept = _string_prose(token.string)
        else:
            continue
        start = starts[token.start[0] - 1] + token.start[1]
        prose[start : start + len(kept)] = kept
    return "".join(prose)


def _string_prose(literal: str) -> str:
    """Return a string's text in its place. Its quotes become spaces: neighbours are one string."""
    match = STRING.fullmatch(literal)
    if match is None or not re.search(r"\s", match["text"]):
        return _code(literal)
    text = ESCAPE.sub("  ", match["text"])
    if "f" in match["prefix"].lower():
        text = _blanked(FIELD, text)
    before = " " * len(match["prefix"] + match["quote"])
    return before + text + " " * len(match["quote"])


Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _docstring_faults(tree: ast.Module) -> list[Fault]:
    found = [
        Fault(after.lineno, "a constant's docstring: write a comment above the constant")
        for before, after in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(before, ast.Assign | ast.AnnAssign) and _is_text(after)
    ]
    for owner, node in _documented(tree, ()):
        docstring = ast.get_docstring(node)
        if docstring:
            found += (
                Fault(node.body[0].lineno, message)
                for message in _judge(node, (*owner, node.name), docstring)
            )
    return found


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _documented(
    tree: ast.AST, owner: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Documented]]:
    """Yield classes and functions, each with the names of the classes around it."""
    for node in ast.iter_child_nodes(tree):
        inner = owner
        if isinstance(node, Documented):
            yield owner, node
            inner = (*owner, node.name) if isinstance(node, ast.ClassDef) else owner
        yield from _documented(node, inner)


def _judge(node: Documented, names: tuple[str, ...], docstring: str) -> Iterator[str]:
    first, *_ = words = [
        word.lower() for word in re.findall(r"[^\W\d_]{2,}|\b[aA]\b", docstring)
    ] or [""]
    if {*map(_stem, words)} - EMPTY_WORDS <= _words_of(names):
        yield f"the docstring of {node.name} only repeats the name: delete it"
    elif isinstance(node, ast.ClassDef) or node.name.startswith("test_") or _is_value(node):
        return
    elif first in DESCRIBING:
        yield f"the docstring of {node.name} starts with “{first}”: start with a verb (Return …)"


def _words_of(names: tuple[str, ...]) -> set[str]:
    parts = [
        part.lower() for name in names for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    ]
    whole = [name.replace("_", "").lower() for name in names]
    return {_stem(word) for word in (*parts, *whole)}


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _is_value(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(ast.unparse(each).rpartition(".")[2] in VALUES for each in decorators)


def _files() -> list[str]:
    """Return the repository's files, those that are not committed yet included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [
        path
        for path in sorted({*done.stdout.split("\0")})
        if not path.startswith(RECORDED) and _is_prose_file(Path(path)) and (ROOT / path).exists()
    ]


def _is_prose_file(path: Path) -> bool:
    return path.suffix in {MARKDOWN, PYTHON, *OTHER_SUFFIXES} or path.name in OTHER_NAMES


def main(paths: list[str]) -> None:
    """Print every fault as FILE:LINE and end with code 1 if there is one."""
    phrases = read_phrases()
    found = [
        f"{path}:{fault.line}: {fault.message}"
        for path in paths or _files()
        for fault in faults(path, (ROOT / path).read_text(), phrases)
    ]
    if found:
        sys.exit("\n".join([*found, f"{len(found)} sentences to rewrite; see tools/prose.py"]))


if __name__ == "__main__":
    main(sys.argv[1:])

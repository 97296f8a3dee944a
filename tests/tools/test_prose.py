"""The prose linter finds odd words wherever people read them, and leaves code alone."""

# prose: off (the examples are what the linter refuses)

from pathlib import Path

import pytest

from tools import prose

PHRASES = prose.read_phrases()


def messages(path: str, text: str) -> list[str]:
    return [f"{fault.line}: {fault.message}" for fault in prose.faults(path, text, PHRASES)]


@pytest.mark.parametrize(
    ("sentence", "instead"),
    [
        ("The slot is made anew.", "again"),
        ("It waited 60 s for moto in vain.", "timed out after"),
        ("The user shall see it.", "must"),
        ("A row is lost for ever.", "forever"),
        ("A value of ours.", "our own"),
        ("'64MB' is no Kubernetes quantity.", "is not a valid Y"),
        ("A report where it is none.", "is not one"),
        ("The secret stands there literally.", "is, has"),
        ("Where the programs lie in the image.", "is in"),
        ("The label bears the version.", "has"),
        ("It tells what is missing.", "reports"),
        ("The error is told.", "reports"),
        ("All pods at once.", "at the same time"),
        ("The lock beside it.", "next to"),
        ("Allowed are 4096Mi.", "limit is X"),
        ("It lets anybody in.", "any principal"),
        ("Everything but for the stack.", "except"),
    ],
)
def test_a_phrase_is_refused_with_what_to_write(sentence: str, instead: str) -> None:
    [message] = messages("page.md", f"# A page\n\n{sentence}\n")

    assert message.startswith("3: “")
    assert instead in message.partition("write ")[2]


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no stack file.",
        "It is no longer needed.",
        "A stand-in for AWS, which stands in for S3.",
        "The engine can't tell them apart.",
        "The value is None.",
        "It takes too much.",
        "`stands in` is code.",
        "Nothing is wrong here.",
    ],
)
def test_plain_sentences_pass(sentence: str) -> None:
    assert messages("page.md", sentence) == []
    assert messages("module.py", f'"""{sentence}"""\n') == []


def test_a_phrase_is_found_across_a_line_break() -> None:
    assert messages("page.md", "They all run at\nonce.\n") == [
        "1: “at once”: write at the same time; or immediately"
    ]
    assert messages("script.sh", "# They all run at\n# once.\ntrue\n")[0].startswith("1: “at once”")


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("module.py", "x = 1\n# It is made anew.\n", 2),
        ("module.py", 'x = 1\nraise ValueError(f"{x} is made" " anew")\n', 2),
        ("module.py", 'x = 1\nraise ValueError(f"{x:>3} anew is made")\n', 2),
        ("module.py", 'x = """Text.\n\n    Made anew.\n    """\n', 3),
        ("script.sh", 'x=1\necho "it is made anew" >&2\n', 2),
        ("Code.java", "class Code {\n  /** It is made\n   * anew. */\n}\n", 3),
        ("stack.yaml", "key: value # made anew\n", 1),
        ("data.json", '{\n"reason": "It is made anew."}\n', 2),
    ],
)
def test_comments_strings_and_data_are_read(path: str, text: str, line: int) -> None:
    assert messages(path, text) == [f"{line}: “anew”: write again"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("module.py", "anew = told = 1\nanew.stands.at(told)\n"),
        ("module.py", 'x = ["anew", "told"]\n'),
        ("module.py", 'call("they run at", "once")\n'),
        ("module.py", 'x = "they run at"\ny = "once a day"\n'),
        ("page.md", "~~~\nmade anew\n~~~\n\n    See `anew`.\n"),
    ],
)
def test_code_is_not_prose(path: str, text: str) -> None:
    assert messages(path, text) == []


def test_a_quotation_is_allowed_with_a_reason() -> None:
    assert messages("a.md", "It is made anew. <!-- prose: allow, quotes the licence -->") == []
    assert messages("a.md", "It is made anew. <!-- prose: allow -->")
    off = "<!-- prose: off, quotes the licence -->\nanew\n<!-- prose: on -->\nanew\n"
    assert messages("a.md", off) == ["4: “anew”: write again"]


@pytest.mark.parametrize(
    ("name", "docstring"),
    [
        ("class User:", "A user."),
        ("class StatefulSet:", "A StatefulSet."),
        ("def actions(self):", "Its actions."),
        ("def everything():", "All of it."),
        ("def read_files():", "Read the files."),
        ("@property\n    def metadata(self):", "The metadata."),
    ],
)
def test_a_docstring_that_repeats_the_name_is_refused(name: str, docstring: str) -> None:
    [message] = messages("m.py", f'if True:\n    {name}\n        """{docstring}"""\n')
    assert message.endswith("only repeats the name: delete it")


def test_the_class_is_part_of_a_methods_name() -> None:
    text = 'class Bucket:\n    @property\n    def name(self):\n        """The bucket\'s name."""\n'
    assert "only repeats the name" in messages("m.py", text)[0]


@pytest.mark.parametrize(
    "text",
    [
        'class User:\n    """Someone who may log in."""\n',
        'def read():\n    """Read the file.\n\n    Raises ValueError.\n    """\n',
        '@property\ndef title(self):\n    """How messages call it."""\n',
        '@pytest.fixture(scope="session")\ndef site():\n    """The running sandbox."""\n',
        'def test_it():\n    """The reason why this matters."""\n',
    ],
)
def test_docstrings_that_say_something_pass(text: str) -> None:
    assert messages("m.py", text) == []


def test_a_functions_docstring_starts_with_a_verb() -> None:
    assert messages("m.py", 'def table():\n    """The cells of a budget."""\n') == [
        "2: the docstring of table starts with “the”: start with a verb (Return …)"
    ]


def test_a_constant_is_explained_in_a_comment_above_it() -> None:
    assert messages("m.py", 'LIMIT = 3\n"""MiB, measured."""\n') == [
        "2: a constant's docstring: write a comment above the constant"
    ]


def test_the_program_refuses_a_file_and_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "page.md"
    file.write_text("A page.\n\nIt is made anew.\n")

    with pytest.raises(SystemExit) as refused:
        prose.main([str(file)])

    assert f"{file}:3: “anew”: write again" in str(refused.value)

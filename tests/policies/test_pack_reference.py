"""The pack's README says what the pack is: its policies, settings, defaults and messages."""

from policies.pack import POLICIES
from tests.policies.pack_reference import README, reference, with_reference


def test_the_readme_has_the_reference_of_this_pack() -> None:
    text = README.read_text()
    assert text == with_reference(text), "run: python -m tests.policies.pack_reference"


def test_the_reference_names_every_policy_and_setting_with_an_example() -> None:
    text = reference()
    for policy in POLICIES:
        section = text.partition(f"### {policy.name}\n")[2].partition("\n### ")[0]
        assert section.count("~~~\n") >= 1
        for setting in policy.settings:
            assert f"- `{setting}`, default" in section

"""docs/POLICIES.md describes the whole pack; `make lint` checks that it is up to date."""

from documentation.policies import reference
from policies.pack import POLICIES


def test_the_reference_names_every_policy_and_setting_with_an_example() -> None:
    text = reference()
    for policy in POLICIES:
        section = text.partition(f"### {policy.name}\n")[2].partition("\n### ")[0]
        assert section.count("~~~\n") >= 1
        for setting in policy.settings:
            assert f"- `{setting}`, default" in section

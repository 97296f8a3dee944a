"""What `up` does to a sandbox that runs."""

from contextlib import nullcontext

import pytest

from sandbox import commands, state
from sandbox.state import Owner, Plugins, Situation
from tests.messages import Messages
from tools import official


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `up` has done, on a machine where our sandbox runs and nothing is really done."""
    done: list[str] = []

    def heal(_: object) -> bool:
        done.append("heal")
        return True

    monkeypatch.setattr(commands, "_machine_lock", lambda _: nullcontext())
    monkeypatch.setattr(state, "situation", lambda: Situation.RUNNING)
    monkeypatch.setattr(commands, "toolchain", lambda _: done.append("toolchain"))
    monkeypatch.setattr(commands, "_heal", heal)
    monkeypatch.setattr(commands, "_remove", lambda _: done.append("remove"))
    monkeypatch.setattr(commands, "_start", lambda _: done.append("start"))
    return done


@pytest.mark.parametrize("downloaded", [False, True])
@pytest.mark.parametrize("recorded", list(Plugins))
def test_other_plugins_start_from_scratch_and_say_so(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, recorded: Plugins, downloaded: bool
) -> None:
    now = Plugins.OFFICIAL if downloaded else Plugins.BUILT
    owner = Owner("/clone", "id", "2026-01-01T00:00:00+00:00", recorded)
    monkeypatch.setattr(state, "owner", lambda: owner)
    monkeypatch.setattr(official, "plugins_are_official", lambda: downloaded)
    messages = Messages()
    commands.up(messages)
    if recorded is now:
        assert steps == ["toolchain", "heal"]
        assert messages == []
    else:
        assert steps == ["toolchain", "remove", "start"]
        assert f"deployed with {recorded}, and would now use {now}" in messages[0]
        assert "all data in the sandbox is deleted" in messages[0]

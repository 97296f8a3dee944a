"""Control groups are found in both versions' layouts."""

from pathlib import Path

from sandbox.node import cgroups

VERSION_1 = """\
25 1 253:0 / / rw,relatime - ext4 /dev/vda rw
31 25 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 25 0:29 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
"""


def test_version_1_has_a_hierarchy_per_controller() -> None:
    found = cgroups.hierarchies(VERSION_1)
    assert found[Path("/sys/fs/cgroup/memory")] >= {"memory"}
    assert found[Path("/sys/fs/cgroup/cpu,cpuacct")] >= {"cpu", "cpuacct"}
    assert set(cgroups.REQUIRED) <= set().union(*found.values())


def test_version_2_lists_its_controllers_in_its_root(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    mountinfo = f"30 25 0:26 / {tmp_path} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    assert cgroups.hierarchies(mountinfo) == {tmp_path: {"cpuset", "cpu", "io", "memory", "pids"}}


def test_a_machine_without_cgroups_has_no_controllers() -> None:
    assert cgroups.hierarchies("25 1 253:0 / / rw,relatime - ext4 /dev/vda rw\n") == {}

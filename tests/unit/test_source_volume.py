"""A large sort can't take the room that PostgreSQL's volume needs for WAL."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.config.source import SourceSettings
from components.sizing import DEFAULT_RESOURCES, Sizing
from components.source.configuration import server_settings, volume_of
from components.source.volume import LEAST_TEMPORARY, USABLE, PostgresVolume

GIBIBYTE = 1024


def volume(storage: int = 5 * GIBIBYTE, **source: Any) -> PostgresVolume:
    return volume_of(SourceSettings.model_validate(source), storage)


@pytest.mark.parametrize("storage", [2, 5, 20, 200, 4000, 60_000])
@pytest.mark.parametrize("kept", ["1GB", "3GB", "100GB"])
@pytest.mark.parametrize("largest", ["512MB", "2GB", "16GB"])
def test_wal_a_table_and_its_sort_fit_or_the_preview_warns(
    storage: int, kept: str, largest: str
) -> None:
    one = volume(storage * GIBIBYTE, maxSlotWalKeepSize=kept, maxWalSize=largest)
    assert LEAST_TEMPORARY <= one.temp_file_limit < 2**31 / 1024, "PostgreSQL counts in kB"
    fits = one.wal + 2 * one.temp_file_limit <= one.storage * USABLE
    assert fits or one.shortage()
    assert not (fits and one.shortage())


def test_the_designs_volume_has_room() -> None:
    assert not volume().shortage()
    assert volume().temp_file_limit > LEAST_TEMPORARY


def test_less_wal_leaves_more_room_for_sorts() -> None:
    limits = [volume(maxSlotWalKeepSize=kept).temp_file_limit for kept in ("3GB", "2GB", "512MB")]
    assert limits == sorted(set(limits))


def test_the_size_that_a_warning_proposes_is_enough() -> None:
    one = volume(2 * GIBIBYTE)
    found = re.search(r"sizing\.postgresqlStorage to at least (\d+)Mi", one.shortage())
    assert found
    assert not volume(int(found[1])).shortage()
    assert volume(int(found[1]) - 1).shortage()


def test_wal_without_a_limit_is_not_counted_beyond_the_checkpoints() -> None:
    one = volume(3 * GIBIBYTE, maxSlotWalKeepSize="-1")
    assert one.wal == 2 * GIBIBYTE
    assert not one.shortage()


def test_the_server_has_the_limit() -> None:
    settings = SourceSettings()
    storage = Sizing().postgresql_storage
    rendered = server_settings(settings, DEFAULT_RESOURCES["postgresql"], storage)
    assert rendered["temp_file_limit"] == f"{volume_of(settings, storage).temp_file_limit}MB"


def test_the_documentation_has_the_limits_of_the_design_and_of_production() -> None:
    page = (Path(__file__).parents[2] / "docs/TUNING.md").read_text()
    production = volume(200 * GIBIBYTE, maxSlotWalKeepSize="100GB", maxWalSize="16GB")
    assert f"{volume().temp_file_limit} MiB with the defaults" in page
    assert f"{production.temp_file_limit:,} MiB in `prod`" in page

"""Kinds of tables that tests/e2e/test_types.py adds to the stack, with rows."""

import json

from tests.engine.pulumi_project import PROJECT

# Kinds of tables whose rows were lost, each with statements before and after it is listed.
SHAPES = {
    "parted": (
        "CREATE TABLE parted (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        " CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO"
        " ('2024-02-01'); CREATE TABLE parted_2 PARTITION OF parted DEFAULT PARTITION BY HASH (id);"
        " CREATE TABLE parted_21 PARTITION OF parted_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        " INSERT INTO parted VALUES (1, '2024-01-01'), (2, '2025-01-01')",
        "INSERT INTO parted VALUES (3, '2024-01-01'), (4, '2025-01-01');"
        " UPDATE parted SET at = '2024-01-02' WHERE id = 2",
    ),
    "guarded": (
        "CREATE TABLE guarded (id int PRIMARY KEY); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;"
        " CREATE POLICY one ON guarded USING (id = 1); INSERT INTO guarded VALUES (1), (2)",
        "INSERT INTO guarded VALUES (3)",
    ),
    "keyless": (
        "CREATE TABLE keyless (id int, at timestamp); INSERT INTO keyless VALUES (1, 'infinity')",
        "INSERT INTO keyless VALUES (2, '-infinity'); UPDATE keyless SET at = NULL WHERE id = 1",
    ),
    "emptied": (
        "CREATE TABLE emptied (id int PRIMARY KEY, v text NOT NULL) PARTITION BY HASH (id);"
        " CREATE TABLE emptied_1 PARTITION OF emptied FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        " INSERT INTO emptied VALUES (1, 'a')",
        # The second TRUNCATE is rolled back.
        "BEGIN; INSERT INTO emptied VALUES (2, 'b'); TRUNCATE emptied; INSERT INTO emptied VALUES"
        " (1, 'c'), (3, 'd'); SAVEPOINT s; TRUNCATE emptied; ROLLBACK TO s;"
        " COMMIT",
    ),
    "empty": (
        "CREATE TABLE empty (id int PRIMARY KEY)",
        "TRUNCATE empty; INSERT INTO empty VALUES (1)",
    ),
    "large": (
        "CREATE TABLE large (id int PRIMARY KEY, n int NOT NULL, v text)",
        "INSERT INTO large VALUES (0, 6, 'first')",
    ),
    "changed": (
        "CREATE TABLE changed (id int PRIMARY KEY, amount int, at date, note bytea, size int,"
        " v text); INSERT INTO changed VALUES (1, 7, '2024-02-29', 'old', 5, 'a')",
        "INSERT INTO changed VALUES (2, 7, '2024-02-29', 'old', 5, 'a');"
        " ALTER TABLE changed ALTER amount TYPE double precision, ALTER at TYPE timestamp,"
        " ALTER note TYPE text USING encode(note, 'escape'), ALTER size TYPE bigint,"
        " ALTER v TYPE numeric USING 1.50;"
        " INSERT INTO changed VALUES (3, 7.9, '2024-02-29 12:34:56.789012', 'hello123',"
        " 9223372036854775807, 1.50);"
        " ALTER TABLE changed ALTER amount TYPE int, ALTER at TYPE date,"
        " ALTER note TYPE bytea USING decode(note, 'escape');"
        " INSERT INTO changed VALUES (4, 8, '1970-01-02', 'new', 5, 1.5)",
    ),
    "partial": (
        "CREATE TABLE partial (id int PRIMARY KEY, v text, w int GENERATED ALWAYS AS (id) STORED,"
        " x timetz, __op text); INSERT INTO partial VALUES (1, 'a', DEFAULT, '24:00+05', 'mine')",
        "INSERT INTO partial VALUES (2, 'b', DEFAULT, '24:00+05', 'mine')",
    ),
}
# Names of columns that every part between PostgreSQL and the archive has to quote.
NAMES = (
    'quo"te',
    "per%cent",
    "new\nline",
    "back\\slash",
    "com,ma",
    "a b.c",
    "select",
    "#1",
    "c" * 63,
)
QUOTED = ", ".join('"{}" text'.format(name.replace('"', '""')) for name in NAMES)
OPERATIONS = (", 'r'" * len(NAMES), ", 'c'" * len(NAMES))
SHAPES["quoted"] = (
    f"CREATE TABLE quoted (id int PRIMARY KEY, {QUOTED});"  # noqa: S608
    f" INSERT INTO quoted VALUES (1{OPERATIONS[0]})",
    f"INSERT INTO quoted VALUES (2{OPERATIONS[1]})",  # noqa: S608
)
SHAPES["texts"] = (
    "CREATE TABLE texts (id text PRIMARY KEY, v int); INSERT INTO texts VALUES ('a', 1), ('A', 2),"
    " ('a ', 3), ('', 4)",
    "INSERT INTO texts VALUES ('aA', 5); UPDATE texts SET v = 9 WHERE id = 'A';"
    " DELETE FROM texts WHERE id = ''; UPDATE texts SET id = 'b' WHERE id = 'a'",
)
# A value that PostgreSQL keeps apart from its row (TOAST) is not logged if an update leaves it.
LONG = 100_000
SHAPES["toasted"] = (
    "CREATE TABLE toasted (id int PRIMARY KEY, v text, w int, x text[]);"  # noqa: S608
    " ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL, ALTER x SET STORAGE EXTERNAL;"
    f" INSERT INTO toasted VALUES (1, repeat('r', {LONG}), 1, ARRAY[repeat('r', {LONG})])",
    "UPDATE toasted SET w = 2",
)
# NULL where a column has a default, of kinds of which converters put the default in its place.
DEFAULTS = {
    "int": "7",
    "bigint": "nextval('nulls_sequence')",
    "text": "'it''s'",
    "boolean": "true",
    "timestamptz": "now()",
    "date": "CURRENT_DATE",
    "numeric(10,2)": "1.5",
    "double precision": "'NaN'",
    "uuid": "gen_random_uuid()",
    "jsonb": "'{}'",
    "bytea": "'\\x01'",
    "interval": "'1 day'",
    "int[]": "'{1}'",
    "mood": "'sad'",
    "bit(3)": "'101'",
    "inet": "'::1'",
    "money": "1",
    "name": "current_user",
}
COLUMNS = ", ".join(
    f"c{n} {kind} DEFAULT {text}" for n, (kind, text) in enumerate(DEFAULTS.items())
)
NULLS = ", NULL" * len(DEFAULTS)
SHAPES["nulls"] = (
    "CREATE SEQUENCE nulls_sequence;"  # noqa: S608
    f" CREATE TABLE nulls (id int PRIMARY KEY, {COLUMNS}); INSERT INTO nulls VALUES (1{NULLS})",
    f"INSERT INTO nulls VALUES (2{NULLS})",  # noqa: S608
)
# Types of a key's columns, as many as an index may have: of the kinds that have an order.
KEY = (
    *("boolean", "smallint", "bigint", "real", "double precision", "numeric", "money", "text"),
    *("char(5)", "bytea", "date", "time", "timestamp", "timestamp(3)", "timestamptz", "interval"),
    *("uuid", "jsonb", "inet", "macaddr", "bit(8)", "varbit", "int4range", "tsvector", "pg_lsn"),
    *("oid", "mood", "pair", "citext", "int[]", "timestamp[]", "positive"),
)
TYPES = json.loads((PROJECT / "docs/types.json").read_text())["types"]
FIRST = {each["type"]: each["values"][0]["value"].replace("'", "''") for each in TYPES}
KEY_COLUMNS = ", ".join(f"c{number} {kind}" for number, kind in enumerate(KEY))
KEY_NAMES = ", ".join(f"c{number}" for number in range(len(KEY)))
KEY_VALUES = ", ".join(f"'{FIRST[kind]}'::text::{kind}" for kind in KEY)
SHAPES["keyed"] = (
    f"CREATE TABLE keyed ({KEY_COLUMNS}, id int, PRIMARY KEY ({KEY_NAMES}));"  # noqa: S608
    f" INSERT INTO keyed VALUES ({KEY_VALUES}, 1)",
    f"UPDATE keyed SET id = 2; DELETE FROM keyed; INSERT INTO keyed VALUES ({KEY_VALUES}, 3)",  # noqa: S608
)

"""The tables of TPC-H, with its keys, filled by tpchgen-cli.

They are the data of TPC-H and not its benchmark: figures measured with them must not be compared
with published results of TPC-H.
"""

import subprocess
import tempfile
from pathlib import Path

from sample_databases.server import SampleServer
from tools.errors import UserError
from workload.progress import Log

DATABASE = "tpch"
MIB = 1024 * 1024
# Bytes of one COPY message.
CHUNK = MIB
LEAST_SCALE_FACTOR = 0.01
# Rows of orders at scale factor 1.
ORDERS = 1_500_000

# In the order of its foreign keys.
TABLES = {
    "region": "r_regionkey integer PRIMARY KEY, r_name char(25) NOT NULL, r_comment varchar(152)",
    "nation": "n_nationkey integer PRIMARY KEY, n_name char(25) NOT NULL,"
    " n_regionkey integer NOT NULL, n_comment varchar(152)",
    "supplier": "s_suppkey integer PRIMARY KEY, s_name char(25) NOT NULL,"
    " s_address varchar(40) NOT NULL, s_nationkey integer NOT NULL, s_phone char(15) NOT NULL,"
    " s_acctbal decimal(15,2) NOT NULL, s_comment varchar(101) NOT NULL",
    "customer": "c_custkey integer PRIMARY KEY, c_name varchar(25) NOT NULL,"
    " c_address varchar(40) NOT NULL, c_nationkey integer NOT NULL, c_phone char(15) NOT NULL,"
    " c_acctbal decimal(15,2) NOT NULL, c_mktsegment char(10) NOT NULL,"
    " c_comment varchar(117) NOT NULL",
    "part": "p_partkey integer PRIMARY KEY, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL,"
    " p_brand char(10) NOT NULL, p_type varchar(25) NOT NULL, p_size integer NOT NULL,"
    " p_container char(10) NOT NULL, p_retailprice decimal(15,2) NOT NULL,"
    " p_comment varchar(23) NOT NULL",
    "partsupp": "ps_partkey integer NOT NULL, ps_suppkey integer NOT NULL,"
    " ps_availqty integer NOT NULL, ps_supplycost decimal(15,2) NOT NULL,"
    " ps_comment varchar(199) NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey)",
    "orders": "o_orderkey bigint PRIMARY KEY, o_custkey integer NOT NULL,"
    " o_orderstatus char(1) NOT NULL, o_totalprice decimal(15,2) NOT NULL,"
    " o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL,"
    " o_shippriority integer NOT NULL, o_comment varchar(79) NOT NULL",
    "lineitem": "l_orderkey bigint NOT NULL, l_partkey integer NOT NULL,"
    " l_suppkey integer NOT NULL, l_linenumber integer NOT NULL,"
    " l_quantity decimal(15,2) NOT NULL, l_extendedprice decimal(15,2) NOT NULL,"
    " l_discount decimal(15,2) NOT NULL, l_tax decimal(15,2) NOT NULL,"
    " l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL,"
    " l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL,"
    " l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL,"
    " PRIMARY KEY (l_orderkey, l_linenumber)",
}
# Created after the rows: checking each row as it comes takes longer.
FOREIGN_KEYS = (
    ("nation", "n_regionkey", "region"),
    ("supplier", "s_nationkey", "nation"),
    ("customer", "c_nationkey", "nation"),
    ("partsupp", "ps_partkey", "part"),
    ("partsupp", "ps_suppkey", "supplier"),
    ("orders", "o_custkey", "customer"),
    ("lineitem", "l_orderkey", "orders"),
    ("lineitem", "l_partkey, l_suppkey", "partsupp"),
)
# Partitions of the topics of the tables that have most rows; the others' have one.
PARTITIONS = {"lineitem": 6, "orders": 3, "partsupp": 2}


def fill(server: SampleServer, scale_factor: float, log: Log) -> None:
    """Create the tables and fill them. A higher scale factor takes minutes, so log each step.

    Raises UserError if the scale factor is too low, or the generator fails.
    """
    if scale_factor < LEAST_SCALE_FACTOR:
        raise UserError(
            f"{scale_factor:g} is not a valid scale factor; allowed: {LEAST_SCALE_FACTOR:g} or"
            " more. Below it, rows of partsupp have the same key"
        )
    for table, columns in TABLES.items():
        server.execute(f"CREATE TABLE {table} ({columns})")
    with tempfile.TemporaryDirectory(dir=server.folder) as folder:
        log(f"generating the rows at scale factor {scale_factor:g}")
        _generate(scale_factor, folder)
        for table in TABLES:
            file = Path(folder, f"{table}.csv")
            log(f"copying {file.stat().st_size / MIB:,.0f} MiB into {table}")
            _copy(server, table, file)
            file.unlink()
    log("checking the foreign keys")
    for table, columns, referenced in FOREIGN_KEYS:
        server.execute(f"ALTER TABLE {table} ADD FOREIGN KEY ({columns}) REFERENCES {referenced}")
    server.execute("ANALYZE")


def rows(server: SampleServer) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        table: int(count)
        for table in TABLES
        for (count,) in server.execute(f"SELECT count(*) FROM {table}")
    }


def scale_factor_of(server: SampleServer) -> float:
    """Return the scale factor that the tables have."""
    ((orders,),) = server.execute("SELECT count(*) FROM orders WHERE o_orderkey % 32 < 8")
    return round(int(orders) / ORDERS, 4)


def _generate(scale_factor: float, folder: str) -> None:
    command = ["tpchgen-cli", "csv", "--scale-factor", str(scale_factor), "--output-dir", folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UserError(
            "tpchgen-cli is missing: it is in requirements-dev.txt, which bin/datapipe uses for"
            " the stack sandbox"
        ) from None
    if done.returncode != 0:
        raise UserError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def _copy(server: SampleServer, table: str, file: Path) -> None:
    statement = f"COPY {table} FROM STDIN (FORMAT csv, HEADER)".encode()
    with (
        file.open("rb") as rows,
        server.connect() as connection,
        connection.cursor().copy(statement) as copy,
    ):
        while chunk := rows.read(CHUNK):
            copy.write(chunk)

"""`datapipe sample-databases`: two PostgreSQL servers that stand in for databases of your own."""

import argparse
import secrets
import sys

from clients.stack import StackError
from components.source.certificate import issue
from sample_databases import shop, stack_file, tpch
from sample_databases.configuration import Description
from sample_databases.server import SampleServer, servers
from sample_databases.tpch_load import TpchLoad
from tools.errors import UserError
from workload.option_numbers import not_negative, positive, whole_number
from workload.progress import Progress

CERTIFICATE_DAYS = 365
# The sandbox's node, where its pods reach this machine, and the network of its pods.
HOST, PODS = "10.231.0.1", "10.231.0.0/16"
LOCAL = "127.0.0.0/8"
# What a server's port is added to: its version.
FIRST_PORT = 15400
VERSIONS = {"shop": 13, "tpch": 17}


def main() -> int:
    """Run one command."""
    arguments = _arguments()
    try:
        status: int = arguments.run(arguments)
    except (UserError, StackError) as error:
        print(f"sample-databases: {error}", file=sys.stderr)
        return 1
    return status


def _start(arguments: argparse.Namespace) -> int:
    log = Progress("samples").log
    started = []
    for name in arguments.names or VERSIONS:
        if name in servers():
            server = SampleServer.open(name)
            server.start()
            _require_as_asked(server, arguments)
        else:
            server = _create(name, arguments)
        described = server.description
        log(f"{name}: PostgreSQL {described.version} at {described.host}:{described.port}")
        started.append(server)
    if arguments.configure:
        stack_file.write(arguments.stack, started)
        log(f"Pulumi.{arguments.stack}.yaml names them in datapipe:sources")
    else:
        print(stack_file.text(started), end="")
        log("add this to the stack file, or let --configure write it, with the passwords")
    log("bin/datapipe sample-databases remove stops them and deletes them")
    return 0


def _require_as_asked(server: SampleServer, arguments: argparse.Namespace) -> None:
    """Raise UserError if the server that exists is not what the options ask for."""
    described, asked = server.description, vars(arguments)
    has: dict[str, object] = {
        "version": described.version,
        "port": described.port,
        "host": described.host,
    }
    if described.name == "tpch" and asked["scale_factor"] is not None:
        has["scale_factor"] = tpch.scale_factor_of(server)
    for option, value in has.items():
        if asked[option] not in (None, value):
            raise UserError(
                f"the sample database {described.name} exists with {option.replace('_', ' ')}"
                f" {value} instead of {asked[option]}; remove it first: bin/datapipe"
                f" sample-databases remove {described.name}"
            )


def _create(name: str, arguments: argparse.Namespace) -> SampleServer:
    log = Progress("samples").log
    version = arguments.version or VERSIONS[name]
    if arguments.stack != "sandbox" and arguments.host is None:
        raise UserError(
            f"--host is required for the stack {arguments.stack}: this machine's address, as the"
            " Connect worker reaches it; with --network, from where the worker connects"
        )
    host = arguments.host or HOST
    scale_factor = (
        tpch.LEAST_SCALE_FACTOR if arguments.scale_factor is None else arguments.scale_factor
    )
    certificate = issue([host, "localhost", "127.0.0.1"], CERTIFICATE_DAYS)
    database = shop.DATABASE if name == "shop" else tpch.DATABASE
    log(f"{name}: creating a server of PostgreSQL {version}")
    server = SampleServer.create(
        Description(
            name=name,
            version=version,
            port=arguments.port or FIRST_PORT + version,
            database=database,
            host=host,
            networks=(LOCAL, arguments.network),
            password=secrets.token_hex(16),
            account_password=secrets.token_hex(16),
            ca_certificate=certificate["ca_certificate"],
        ),
        certificate,
    )
    try:
        if name == "shop":
            shop.fill(server)
        else:
            tpch.fill(server, scale_factor, lambda text: log(f"{name}: {text}"))
    except BaseException:
        server.remove()
        raise
    return server


def _stop(arguments: argparse.Namespace) -> int:
    for name in arguments.names or servers():
        SampleServer.open(name).stop()
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    for name in arguments.names or servers():
        SampleServer.open(name).remove()
        if arguments.configure:
            stack_file.remove(arguments.stack, name)
    return 0


def _status(_: argparse.Namespace) -> int:
    for name in servers():
        server = SampleServer.open(name)
        described, process = server.description, server.process()
        state = f"runs as process {process}" if process else "is stopped"
        print(
            f"{name}: PostgreSQL {described.version}, database {described.database} at"
            f" {described.host}:{described.port}, {state}; log: {server.folder / 'log'}"
        )
    return 0


def _sql(arguments: argparse.Namespace) -> int:
    SampleServer.open(arguments.name).run_as_administrator(sys.stdin.read())
    return 0


def _load(arguments: argparse.Namespace) -> int:
    load = TpchLoad(SampleServer.open("tpch"), arguments.rate)
    done = load.run(arguments.seconds)
    print(
        f"{done.inserted:,} rows inserted, {done.updated:,} updated, {done.deleted:,} deleted in"
        f" {done.seconds:.1f} s: {done.rate:,.0f} changes per second"
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe sample-databases",
        description="Run PostgreSQL servers outside the pipeline, which stand in for databases that"
        " you already have: shop (PostgreSQL 13) and tpch (17).",
        epilog="Exit codes: 0 done; 1 failed; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    start = commands.add_parser("start", help="create what does not exist, and start the servers")
    start.set_defaults(run=_start)
    start.add_argument("names", nargs="*", metavar="NAME", choices=[*VERSIONS, []])
    start.add_argument("--scale-factor", type=positive, help="of a new tpch, by default 0.01")
    start.add_argument("--version", type=whole_number(1), help="major version of a new server")
    start.add_argument("--port", type=whole_number(1), help="of a new server")
    start.add_argument(
        "--host", help=f"this machine as the Connect worker names it; in the sandbox {HOST}"
    )
    start.add_argument("--network", default=PODS, help="from where the worker connects")
    start.add_argument(
        "--configure", action="store_true", help="write datapipe:sources into the stack's file"
    )

    stop = commands.add_parser("stop", help="stop the servers; their data stays")
    stop.set_defaults(run=_stop)
    stop.add_argument("names", nargs="*", metavar="NAME")

    remove = commands.add_parser("remove", help="stop the servers and delete their data")
    remove.set_defaults(run=_remove)
    remove.add_argument("names", nargs="*", metavar="NAME")
    remove.add_argument(
        "--configure", action="store_true", help="remove them from the stack's file, too"
    )

    status = commands.add_parser("status", help="print each server's address, state and log")
    status.set_defaults(run=_status)

    sql = commands.add_parser("sql", help="run SQL from standard input as the administrator")
    sql.set_defaults(run=_sql)
    sql.add_argument("name", metavar="NAME")

    load = commands.add_parser("load", help="insert, update and delete orders of tpch")
    load.set_defaults(run=_load)
    load.add_argument("--rate", type=positive, default=1000, help="row changes per second")
    load.add_argument("--seconds", type=not_negative, default=60)
    return parser.parse_args()

"""`python -m clients.recover --stack sandbox`: puts right what can't recover by itself.

Without --column: replication slots that PostgreSQL has given up (max_slot_wal_keep_size) or that
are gone. With it: a column of the archive that can't hold the type that PostgreSQL's now has.
"""

import argparse
import sys

from clients.recover.column import Column, set_aside
from clients.recover.slot import recover_slots
from clients.stack import StackError, read_outputs
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.failures import ConnectError


def main() -> int:
    """0 where all is right again, 1 where it could not be put right."""
    arguments = _parser().parse_args()
    try:
        outputs = read_outputs(arguments.stack)
        if arguments.column:
            set_aside(outputs, Column.parse(arguments.column), _say)
            return 0
        recovered = recover_slots(outputs, _say)
    except (StackError, ConnectError, ClusterAccessError) as error:
        print(f"recover: {error}", file=sys.stderr)
        return 1
    print("\n".join(map(str, recovered)) or "every replication slot is well; nothing to do")
    return 0


def _say(message: str) -> None:
    print(f"recover: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clients.recover",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--column", help="of a captured table, as schema.table.column")
    return parser


if __name__ == "__main__":
    sys.exit(main())

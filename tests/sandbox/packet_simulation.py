"""Passes single packets through rendered nftables rules, without a kernel.

Knows the few forms that the sandbox's rules have, and fails at any other.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

TOKEN = re.compile(r"\{[^}]*\}|\S+")


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, after a Service's translation."""

    saddr: str
    daddr: str
    protocol: str
    port: int


class RuleSet:
    """The chains and sets of a rendered table."""

    def __init__(self, text: str) -> None:
        """`text`: as given to nft."""
        self.chains: dict[str, list[str]] = {}
        self.sets: dict[str, str] = {}
        chain: list[str] = []
        for line in (line.split("#")[0].strip() for line in text.splitlines()):
            if found := re.match(r"set (\S+) \{ type ipv4_addr; (?:elements = (.+);)? *\}", line):
                self.sets[found[1]] = found[2] or "{ }"
            elif found := re.match(r"chain (\S+) \{ (.+); \}", line):
                self.chains[found[1]] = [found[2]]
            elif found := re.match(r"chain (\S+) \{", line):
                chain = self.chains[found[1]] = []
            elif line and line != "}" and not line.startswith(("add", "delete", "table", "type")):
                chain.append(line)

    def verdict(self, hook: str, packet: Packet) -> str:
        """Return what becomes of a packet: accept, drop or reject."""
        return self._run(hook, packet) or "accept"

    def _run(self, chain: str, packet: Packet) -> str | None:
        """Return a chain's final verdict; None where it returns."""
        for rule in self.chains[chain]:
            action, target = self._apply(TOKEN.findall(rule), packet)
            if action in {"jump", "goto"}:
                found = self._run(target, packet)
                if found or action == "goto":
                    return found
            elif action == "return":
                return None
            elif action:
                return action
        return None

    def _apply(self, words: list[str], packet: Packet) -> tuple[str, str]:
        """Return a rule's action for a packet, and its chain; empty if it does not match."""
        while words:
            match words:
                case ["ct", "state", "established,related", "accept"]:
                    return "", ""  # a simulated packet is always a new connection's
                case ["ip", end, "vmap", verdicts]:
                    jumps = re.findall(r"([\d.]+) : jump (\S+?)[, ]", verdicts)
                    target = dict(jumps).get(getattr(packet, end))
                    return ("jump", target) if target else ("", "")
                case ["ip", end, "!=", wanted, *rest]:
                    matches = not self._holds(wanted, getattr(packet, end))
                case ["ip", end, wanted, *rest]:
                    matches = self._holds(wanted, getattr(packet, end))
                case ["tcp" | "udp" | "sctp" as protocol, "dport", wanted, *rest]:
                    matches = protocol == packet.protocol and _has_port(wanted, packet.port)
                case ["jump" | "goto" as action, target]:
                    return action, target
                case ["return" | "drop" | "accept" | "reject" as action, *_]:
                    return action, ""
                case _:
                    raise AssertionError(f"a rule of another form: {' '.join(words)}")
            if not matches:
                return "", ""
            words = rest
        return "", ""

    def _holds(self, wanted: str, address: str) -> bool:
        wanted = self.sets[wanted[1:]] if wanted.startswith("@") else wanted
        listed = [each for each in re.split(r"[{}, ]+", wanted) if each]
        return any(ip_address(address) in ip_network(each) for each in listed)


def _has_port(wanted: str, port: int) -> bool:
    for each in (each for each in re.split(r"[{}, ]+", wanted) if each):
        first, _, last = each.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False

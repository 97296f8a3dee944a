"""The programs that the sandbox runs: built from Go modules or unpacked from Debian packages.

Each part lies in `toolchain/<part>-<key>` of the cache, where the key is a hash of what it was
made from; `bin` of the cache links to every program. What is there is never built again.
"""

from sandbox.toolchain.install import ensure

__all__ = ["ensure"]

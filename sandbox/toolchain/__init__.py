"""The programs of the Kubernetes node: built from Go modules or unpacked from Debian packages.

Each part is in `toolchain/<part>-<key>` of the cache, where the key is a hash of what it was made
from; `bin` of the cache links to every program. What is there is never built again.
"""

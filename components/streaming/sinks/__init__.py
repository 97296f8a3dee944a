"""The sinks: where the captured changes go, one module for each kind.

A new sink is one module here, a subclass of `protocol.Sink` with the decorator `sink_kind`, that
`declared.declared_sinks` finds. A stack file names it: as `archive.sink` where it is the archive,
or by a section of `datapipe:sinks` where it is a further one.
"""

"""Texts that tables and figures show in place of a missing result."""

from collections.abc import Mapping
from types import MappingProxyType

NOT_RUN = "not run"
# By protocol and run id: the text shown for a run that the protocol does not have.
Absent = Mapping[str, Mapping[str, str]]
NOTHING_ABSENT: Absent = MappingProxyType({})

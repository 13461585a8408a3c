"""What tables and figures say where there is no result."""

from collections.abc import Mapping
from types import MappingProxyType

NOT_RUN = "not run"
# By protocol and run id, what is said of a run that the protocol does not have.
Absent = Mapping[str, Mapping[str, str]]
NOTHING_ABSENT: Absent = MappingProxyType({})

"""The typed form of a file with the source of each value, for the page of switches."""

from pydantic import Field

from distillation.core.settings import Words, settings

# By switch or "default".
_Sources = dict[Words, Words]


@settings
class ProtocolSources:
    """Sources of the values of a protocol; the most specific one is used."""

    all: _Sources = Field(None, description="Of all runs, by switch or `default`.")
    teachers: _Sources = Field(None, description="Of the teachers, by switch or `default`.")
    students: _Sources = Field(None, description="Of the students, by switch or `default`.")
    runs: dict[Words, _Sources] = Field(None, description="Of single runs, by run and switch or `default`.")


SourcesFile = dict[Words, ProtocolSources]

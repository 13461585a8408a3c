"""How many examples are tried: the same each time in CI, elsewhere others, printed where one fails."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "faults",
    max_examples=int(os.environ.get("EXAMPLES", "300")),
    derandomize="CI" in os.environ,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("faults")

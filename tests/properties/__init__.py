"""Properties: for any input that Hypothesis thinks of, and not for chosen examples alone.

The suite runs few examples, the same each time; `make fuzz` runs as many as fit into its minutes.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", max_examples=50, derandomize=True, deadline=None, database=None)
# One batch of many: fuzz.py runs batches until its time is over.
settings.register_profile(
    "fuzz", max_examples=2000, derandomize=False, deadline=None, database=None, print_blob=True
)
# Here, since a property takes the profile that is loaded when it is defined.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

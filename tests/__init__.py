from __future__ import annotations

import pytest

# A failing assertion of these says as much as one in a test.
pytest.register_assert_rewrite("tests.helpers", "tests.servers.standin")

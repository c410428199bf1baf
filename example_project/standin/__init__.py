"""A stand-in for Metabase, to try things out and for tests: its own site and process."""

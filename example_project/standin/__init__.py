"""A stand-in for Metabase, for the demo and the tests only: its own site, process and origin."""

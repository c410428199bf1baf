"""A stand-in for Metabase, for the demo and the tests: a Django site in a process of its own."""

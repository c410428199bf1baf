"""The users of the example site, and the callables that describe them to Metabase."""

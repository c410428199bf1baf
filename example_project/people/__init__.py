"""The people of the example site, and what Metabase is told about them."""

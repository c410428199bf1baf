"""A Django site that embeds Metabase, and a stand-in Metabase to embed."""

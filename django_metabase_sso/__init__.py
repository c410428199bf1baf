"""Signs the users of a Django site in to Metabase: JWT single sign-on for every kind of embed."""

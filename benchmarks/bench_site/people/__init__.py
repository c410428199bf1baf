"""A user model whose e-mail addresses are unique in any case, as the database sees to it."""

"""What an administrator can do from outside: by a key in `X-API-Key`, or signed in."""

"""Records who got a token, and who was refused and why. docs/audit.md explains this app."""

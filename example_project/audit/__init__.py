"""Who got a token, who got none and why. docs/audit.md is this app, as a recipe."""

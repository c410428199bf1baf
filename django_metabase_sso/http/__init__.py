"""What requests ask, and what is answered: the only folder that knows HTTP."""

from __future__ import annotations

"""An index on the lower-case e-mail address of Django's own user model, for `INSTALLED_APPS`.

Only SQL on `auth_user`: no model, and no change to the migrations of `django.contrib.auth`.
"""

from __future__ import annotations

"""An app with an index on the lowercase e-mail addresses of Django's own user model.

It only runs SQL on the table `auth_user`. It has no models, and does not change the migrations of
`django.contrib.auth`.
"""

from __future__ import annotations

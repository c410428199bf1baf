from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import UserManager
from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("auth", "0012_alter_user_first_name_max_length")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="StaffUser",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("auth.user",),
            managers=[("objects", UserManager())],
        ),
    ]

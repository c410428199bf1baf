"""One sync worker; a connection for each request, as that worker has it."""

from __future__ import annotations

wsgi_app = "django.core.wsgi:get_wsgi_application()"
workers = 1
worker_class = "sync"
loglevel = "error"
control_socket_disable = True  # gunicorn 25 and newer; older ones ignore it

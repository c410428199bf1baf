"""System checks: the problems that would otherwise show as a 500, or not at all."""

from __future__ import annotations

from django.core.checks import Tags, register

from django_metabase_sso.checks import accounts, browser, embeds, policies, values


def register_all() -> None:
    """Register the checks; `deploy` ones run under `manage.py check --deploy`."""
    for check in (values.check_values, values.check_callables, values.check_lifetime):
        register(check, Tags.security)
    for check in (values.check_instance_scheme, values.check_called_secret):
        register(check, Tags.security, deploy=True)
    for check in (browser.check_cors, browser.check_middleware, browser.check_cookies):
        register(check, Tags.security)
    register(browser.check_open_origins, Tags.security, deploy=True)
    for check in (accounts.check_login, accounts.check_groups, accounts.check_email):
        register(check, Tags.security)
    for check in (embeds.check_guest, embeds.check_policy_of_pages, embeds.check_policy_is_sent):
        register(check, Tags.security)
    for check in (accounts.check_policy, accounts.check_email_index, embeds.check_sites):
        register(check, Tags.security, deploy=True)
    for check in (policies.check_allauth, policies.check_otp):
        register(check, Tags.security)
    register(policies.check_shared_addresses, Tags.database)
    register(embeds.check_request, Tags.templates)
    register(accounts.check_urls, Tags.urls)
    register(accounts.check_login_page, Tags.urls, deploy=True)

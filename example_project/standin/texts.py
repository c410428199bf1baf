"""Translates Metabase's messages.

The messages of its libraries and most messages about tenants are always English.
"""

from __future__ import annotations

GERMAN = {
    "JWT token missing email claim": "Im JWT-Token fehlt der Claim für die E-Mail-Adresse",
    "SSO has not been enabled and/or configured": (
        "SSO wurde nicht aktiviert und/oder konfiguriert"
    ),
    "JWT authentication is not enabled": "Die JWT-Authentifizierung ist nicht aktiviert",
    "JWT-based authentication is a paid feature not currently available to your instance.": (
        "JWT-basierte Authentifizierung ist eine kostenpflichtige Funktion, die für Ihre Instanz "
        "derzeit nicht verfügbar ist."
    ),
    "Invalid redirect URL": "Ungültige Weiterleitungs-URL",
    "Embedding SDK for React is disabled. Enable it in the embedding settings.": (
        "Das Embedding-SDK für React ist deaktiviert. Aktivieren Sie es in den Einstellungen."
    ),
    "Embedded Analytics JS is disabled. Enable it in the embedding settings.": (
        "Embedded Analytics JS ist deaktiviert. Aktivieren Sie es in den Einstellungen."
    ),
    "You need to turn on modular embedding in the embedding settings.": (
        "Sie müssen die modulare Einbettung in den Einstellungen aktivieren."
    ),
    "POST not valid for JWT SSO requests": "POST ist für JWT-SSO-Anfragen nicht gültig",
    "Embedding is not enabled.": "Einbettung ist nicht aktiviert.",
    "Embedding is not enabled for this object.": (
        "Einbettung ist für dieses Objekt nicht aktiviert."
    ),
    "The embedding secret key has not been set.": (
        "Der geheime Schlüssel für die Einbettung wurde nicht festgelegt."
    ),
    "Token is missing value for keypath {}": "Im Token fehlt ein Wert für den Pfad {}",
    "You must specify a value for {} in the JWT.": "Sie müssen im JWT einen Wert für {} angeben.",
    "Unknown parameter {}.": "Unbekannter Parameter {}.",
    "You're not allowed to specify a value for {}.": "Sie dürfen keinen Wert für {} angeben.",
    "This tenant name or slug is already taken.": "Dieser Name oder Slug ist bereits vergeben.",
    "Cannot add non-tenant user to tenant-group or vice versa": (
        "Ein Benutzer ohne Mandant kann nicht in eine Mandantengruppe, oder umgekehrt"
    ),
    "Sorry, but you'll need a Metabase account to view this page. Please contact your "
    "administrator.": (
        "Sie benötigen leider ein Metabase-Konto, um diese Seite zu sehen. Bitte wenden Sie sich "
        "an Ihren Administrator."
    ),
    "Something went wrong": "Etwas ist schiefgelaufen",
}
OF_THE_SITE = "Sorry, "  # messages with this beginning are always in the site's language


def in_language(template: str, site: str, asked: str | None) -> str:
    """Return a message in the language of the request or, if it is None, of the site."""
    language = site if asked is None or template.startswith(OF_THE_SITE) else asked
    return GERMAN.get(template, template) if language == "de" else template

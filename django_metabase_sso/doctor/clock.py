"""How far Metabase's clock is from ours."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.remote import Answer

NOTICED = 5  # seconds: above, there is a warning
TOO_MUCH = 120  # seconds: above, a fault. Metabase takes a token for 180 s


def compare(answer: Answer) -> Step[float]:
    """Compare the `Date` of an answer with our clock in the middle of the request."""
    try:
        written = parsedate_to_datetime(answer.header("Date")).timestamp()
    except (TypeError, ValueError, OverflowError):
        title = "Metabase's answer has no Date header, so the clocks cannot be compared."
        cause = "A proxy in front of it takes the header off."
        cure = "Compare the clocks of the two machines by hand: 120 s apart, sign-ins fail."
        return Step([Finding("warning", "clock", title, cause, cure)])
    middle = (answer.raw.asked_at + answer.raw.answered_at) / 2
    # The header has whole seconds; half of one is the best guess at what was cut off.
    ahead = written + 0.5 + _age(answer) - middle
    return Step([_judged(ahead)], ahead)


def _age(answer: Answer) -> int:
    """Return how long a cache kept the answer, whose Date is then an old one."""
    age = answer.header("Age")
    return int(age) if age.isascii() and age.isdecimal() else 0


def _judged(ahead: float) -> Finding:
    difference = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"
    if abs(ahead) <= NOTICED:
        return Finding("ok", "clock", f"The clocks agree to within {NOTICED} s.")
    title = f"Metabase's clock is {difference}."
    cause = "One of the two machines does not keep its clock by NTP."
    cure = "Set both clocks by NTP (`timedatectl` shows whether it is on)."
    if abs(ahead) <= TOO_MUCH:
        return Finding("warning", "clock", title, cause, cure)
    if ahead > 0:
        cause += " Our tokens look old to Metabase: Token is older than max-age (180)."
    else:
        cause += " Metabase takes our tokens for longer than the 180 s that limit their use."
    return Finding("fault", "clock", title, cause, cure)

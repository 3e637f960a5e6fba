"""What admins are told about the web address: plain HTTP, a certificate to be replaced."""

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance import site_url
from appliance.ops import certificate
from appliance.ops.certificate import Certificate


def is_exposed() -> bool:
    """Return whether pages cross a network unencrypted."""
    url = settings.SITE_URL
    if url and (url.is_https or not url.is_loopback):
        return not url.is_https
    return settings.INSECURE_HTTP or not site_url.is_loopback(settings.SKERRY_BIND)


def list_problems() -> list[str]:
    """Return what is wrong, each with its remedy."""
    if is_exposed():
        text = _(
            "The help desk is served over plain HTTP: whoever can listen on the network reads "
            "passwords and tickets. Start it with --url https://…"
        )
        return [text]
    served = certificate.served_certificate()
    return [problem] if served and (problem := _describe_problem(served)) else []


def _describe_problem(served: Certificate) -> str:
    """Return what is wrong with the certificate, or ""."""
    date = date_format(served.expires_at.astimezone(), "DATE_FORMAT")
    if not served.is_for_site:
        return _("The TLS certificate is not for the web address: browsers refuse the help desk.")
    if served.is_expired:
        return _(
            "The TLS certificate expired on %(date)s: browsers refuse the help desk. Install "
            "a new one."
        ) % {"date": date}
    if served.is_expiring:
        text = ngettext(
            "The TLS certificate expires in %(days)d day, on %(date)s. Install a new one.",
            "The TLS certificate expires in %(days)d days, on %(date)s. Install a new one.",
            served.days_left,
        )
        return text % {"days": served.days_left, "date": date}
    return ""


def status_context() -> dict[str, object]:
    """Return what the status page says about the address and its certificate."""
    served = certificate.served_certificate()
    return {
        "site_url": settings.SITE_URL,
        "root_certificate": certificate.find_root(served),
        "is_exposed": is_exposed(),
        "trusted_proxies": ", ".join(settings.TRUSTED_PROXIES),
        "certificate": _describe(served) if served else "",
        "certificate_problem": _describe_problem(served) if served else "",
    }


def _describe(served: Certificate) -> str:
    """Return issuer and validity, or what is wrong."""
    if problem := _describe_problem(served):
        return problem
    text = ngettext(
        "issued by %(issuer)s, %(days)d day left",
        "issued by %(issuer)s, %(days)d days left",
        served.days_left,
    )
    return text % {"issuer": served.issuer, "days": served.days_left}

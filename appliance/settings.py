"""Django settings. What a site may configure is read through appliance/env.py."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from appliance import UPLOAD_MAX_BYTES as _UPLOAD_MAX_BYTES
from appliance import VERSION, disks, env
from appliance.core.logs import format_exception, hide_secrets

CODE = Path(__file__).resolve().parent.parent
DATA = Path(env.text("SKERRY_DATA", str(CODE / "var"))).resolve()
MODELS = Path(env.text("SKERRY_MODELS", str(CODE / "models"))).resolve()
MIN_FREE_MB = env.number("SKERRY_MIN_FREE_MB", disks.DEFAULT_MIN_FREE_MB)
UPDATE_FOLDERS = [Path(folder) for folder in env.words("SKERRY_UPDATES", "/media,/mnt,/run/media")]
SKERRY_VERSION = VERSION
SKERRY_ROLE = env.text("SKERRY_ROLE", "all")
SKERRY_BIND = env.text("SKERRY_BIND", "127.0.0.1")
SKERRY_PORT = env.number("SKERRY_PORT", 8000)
SITE_URL = env.url("SKERRY_URL")  # None: browsers of this machine only, or plain HTTP
TRUSTED_PROXIES = env.networks("SKERRY_TRUSTED_PROXIES")  # Caddy believes their headers
INSECURE_HTTP = env.flag("SKERRY_INSECURE_HTTP", False)

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = env.flag("DEBUG", False)
OWN_HOSTS = ["localhost", "127.0.0.1", "[::1]", SKERRY_BIND]
if SITE_URL:
    OWN_HOSTS.append(SITE_URL.http_host)
ALLOWED_HOSTS = [*dict.fromkeys([*OWN_HOSTS, *env.words("SKERRY_HOSTS")])]

INSTALLED_APPS = [
    "appliance.web",
    "appliance.ops",
    "appliance.search",
    "appliance.model_updates",
    "appliance.triage",
    "appliance.knowledge",
    "appliance.manage",
    "appliance.mail",
    "appliance.directory",
    "appliance.reports",
    "appliance.notifications",
    "appliance.macros",
    "appliance.routing",
    "appliance.sla",
    "appliance.tickets",
    "appliance.files",
    "appliance.accounts",
    "appliance.core",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "chartkick.django",
    "csp",
    "django_htmx",
    "django_structlog",
    "js_lib_bootstrap5",
    "js_lib_bootstrap_icons",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "appliance.core.logs.RequestLogMiddleware",
    "appliance.core.middleware.NoStoreMiddleware",
    "appliance.core.middleware.HstsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "appliance.accounts.middleware.ActivityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "appliance.core.middleware.StorableInputMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "appliance.core.middleware.RequestCacheMiddleware",
    "appliance.core.middleware.LocaleMiddleware",
    "appliance.core.middleware.ErrorResponseMiddleware",
    "appliance.core.middleware.DiskSpaceMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "appliance.accounts.middleware.SecondFactorMiddleware",
]

ROOT_URLCONF = "appliance.urls"
WSGI_APPLICATION = "appliance.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "appliance.core.views.site_settings_context",
            ]
        },
    }
]
FORM_RENDERER = "appliance.core.renderers.FastFormRenderer"

# --- PostgreSQL: over a Unix socket, unless the site has a server of its own


def _database(url: str, *, password: str) -> dict[str, Any]:
    """Return Django's database settings for a libpq URL or connection string.

    ``password`` is used when the URL has none.
    """
    parts = conninfo_to_dict(url)
    parts.setdefault("password", password)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{name: parts.pop(key, "") for name, key in names.items()},
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {
    "default": _database(env.text("DATABASE_URL"), password=env.text("DATABASE_PASSWORD", ""))
}
DATABASE_ROLE = DATABASES["default"]["USER"]  # of web and worker
# The role that owns the tables. Only commands that change the schema have this variable.
if DATABASE_OWNER_URL := env.text("DATABASE_OWNER_URL", ""):
    if not DATABASE_ROLE:
        raise ImproperlyConfigured("DATABASE_URL must name its user, as DATABASE_OWNER_URL is set.")
    DATABASES["default"] = _database(
        DATABASE_OWNER_URL, password=env.text("DATABASE_OWNER_PASSWORD", "")
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Valkey: only a cache. IGNORE_EXCEPTIONS: a dead cache costs speed, nothing else

REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "skerry",
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "CLIENT_CLASS": "appliance.core.cache_values.Client",
            "SERIALIZER": "appliance.core.cache_values.Serializer",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
            "PASSWORD": env.text("REDIS_PASSWORD", ""),  # a password in the URL takes precedence
        },
    }
}

# --- users, passwords, sessions

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "appliance.directory.backends.DirectoryBackend",
]
PASSWORD_HASHERS = ["appliance.accounts.security.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {
            "user_attributes": ["email", "first_name", "last_name"]
        },
        "MinimumLengthValidator": {"min_length": 10},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "appliance.accounts.passwords.GuessableWordsValidator"})
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "appliance.accounts.sessions"  # in the database: a flushed cache logs nobody out
SESSION_COOKIE_AGE = 12 * 60 * 60  # a working day, however active somebody is

# --- log-in through django-allauth (accounts/adapter.py)

ACCOUNT_ADAPTER = "appliance.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "appliance.accounts.forms.LoginForm",
    "reauthenticate": "appliance.accounts.forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts/services/confirmations.py does it
ACCOUNT_SESSION_REMEMBER = True  # until SESSION_COOKIE_AGE
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds
ACCOUNT_RATE_LIMITS = False  # those would be kept in the cache; see accounts/security.py

MFA_ADAPTER = "appliance.accounts.adapter.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "appliance.accounts.second_factor_forms.ActivateTOTPForm",
    "add_webauthn": "appliance.accounts.second_factor_forms.AddWebAuthnForm",
    "login_webauthn": "appliance.accounts.second_factor_forms.LoginWebAuthnForm",
    "authenticate_webauthn": "appliance.accounts.second_factor_forms.AuthenticateWebAuthnForm",
    "reauthenticate_webauthn": "appliance.accounts.second_factor_forms.ReauthenticateWebAuthnForm",
    "edit_webauthn": "appliance.accounts.second_factor_forms.EditWebAuthnForm",
    "authenticate": "appliance.accounts.second_factor_forms.AuthenticateForm",
    "reauthenticate": "appliance.accounts.second_factor_forms.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # codes before and after the current one: clocks in closed networks drift
MFA_REAUTHENTICATION_REQUIRED = False  # accounts/second_factor_views.py asks, by our own rule
MFA_RATE_LIMITS = False  # as ACCOUNT_RATE_LIMITS

# --- security headers and limits of requests

# tickets, replies and other forms that a signed-in person may send in ten minutes
CUSTOMER_POSTS = env.number("SKERRY_CUSTOMER_POSTS", 30)
AGENT_POSTS = env.number("SKERRY_AGENT_POSTS", 300)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its form icons as data: images
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "appliance.core.views.csrf_failure"
SILENCED_SYSTEM_CHECKS = [
    "auth.E003",  # e-mail is unique in any case, by a constraint on UPPER(email)
    "auth.W004",  # the same, with more than one backend
    # HSTS holds for the name of the desk: other names of the domain are not its own
    "security.W005",
    "security.W021",
]
if SITE_URL and SITE_URL.is_https:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    # With this prefix browsers take the cookie from this host over HTTPS only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_SSL_HOST = SITE_URL.netloc
    SECURE_REDIRECT_EXEMPT = ["^healthz$"]
    CSRF_TRUSTED_ORIGINS = [SITE_URL.origin]
    if SITE_URL.is_address or SITE_URL.is_localhost:
        SILENCED_SYSTEM_CHECKS.append("security.W004")  # HSTS is for names
    else:
        SECURE_HSTS_SECONDS = 365 * 24 * 3600
else:
    # Over plain HTTP there are no secure cookies, no redirect and no HSTS. Beyond this machine
    # the start needs --insecure-http; it warns the operator, and a banner tells the admins.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W011", "security.W016"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # bytes of one form, its files not counted
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = (
    30  # the form refuses more than ten with a message; this is for other clients
)
UPLOAD_MAX_BYTES = _UPLOAD_MAX_BYTES

# --- language, time, files

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [CODE / "appliance" / "locale"]
FORMAT_MODULE_PATH = ["appliance.locale"]
HEALTH_CHECK_PATHS = {"/healthz"}  # no language, no query
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
BUNDLED_STATIC_ROOT = CODE / "static"  # in a bundle only
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG  # the development server reads them from the source tree
        else "appliance.ops.static_files.HashedStaticFilesStorage"
    },
}

# --- logs: one JSON object per line on standard error, because standard output belongs to the
# commands; the supervisor rotates the files

_log_processors: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(format_exception),
    hide_secrets,
]
structlog.configure(
    processors=[*_log_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _log_processors,
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
            "formatter": "json",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "procrastinate": {"level": "WARNING"},
        "tuf": {"level": "WARNING"},
    },
}
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"

# --- jobs

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

# --- e-mail: stays in the outbox until a server is configured

EMAIL_HOST = env.text("SKERRY_SMTP_HOST", "")
EMAIL_PORT = env.number("SKERRY_SMTP_PORT", 587)
EMAIL_HOST_USER = env.text("SKERRY_SMTP_USER", "")
EMAIL_HOST_PASSWORD = env.text("SKERRY_SMTP_PASSWORD", "")
SMTP_SECURITY = env.text("SKERRY_SMTP_SECURITY", "starttls")
EMAIL_BACKEND = "appliance.notifications.smtp.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds; a server that hangs must not block the worker
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("SKERRY_SMTP_FROM", "")

# --- triage

ANNOTATE_BUDGET_SECONDS = 0.3  # how long the author of a ticket waits for its predictions

# --- hosts the processes may reach besides this machine (egress_guard.py)

REACHABLE_HOSTS = [
    host
    for host in [
        *DATABASES["default"]["HOST"].split(","),
        *DATABASES["default"]["OPTIONS"].get("hostaddr", "").split(","),
        urlsplit(REDIS_URL).hostname,
        EMAIL_HOST,
        SKERRY_BIND,
    ]
    if host and not host.startswith("/")  # a folder of Unix sockets
]
BLOCKED_CONNECTIONS_LOG = DATA / "logs" / "blocked-connections.jsonl"

"""Django settings. Values that differ between a laptop and the cloud come from environment variables."""

from pathlib import Path
from urllib.parse import urlsplit

from etl.lake import catalog, layout
from todo_site.request_log_policy import POLICY
from web import env, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where it runs -------------------------------------------------------------------------------------------
ENVIRONMENT = env.required("ENVIRONMENT", "local, test, dev or prod")
DEPLOYED = ENVIRONMENT not in {"local", "test"}
APP_VERSION = env.optional("APP_VERSION", "0.1.0")
APP_URL = env.required("APP_URL", "the public address of the site, such as https://todo.example.com").rstrip(
    "/"
)
DEBUG = env.flag("DEBUG", default=False)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", urlsplit(APP_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(APP_URL))]
# Links begin with the path of APP_URL: CloudFront hides the stage, which Zappa would put there.
FORCE_SCRIPT_NAME = urlsplit(APP_URL).path
EDGE_DIGESTS = env.listing(
    "EDGE_DIGESTS", ""
)  # SHA-256 of what CloudFront sends, in hexadecimal; none: no CloudFront

# --- AWS -----------------------------------------------------------------------------------------------------
AWS_ENDPOINT_URL = env.optional("AWS_ENDPOINT_URL", "") or None
AWS_DEFAULT_REGION = env.required("AWS_DEFAULT_REGION", "the AWS region of the stacks, such as eu-central-1")
# Deployed, the key stays in Secrets Manager; a laptop has it in its environment.
SECRET_KEY_ARN = env.optional("SECRET_KEY_ARN", "")
SECRET_KEY = (
    secret_key.stored_in(
        SECRET_KEY_ARN,
        env.required("SECRET_KEY_VERSION", "the id of the version of the secret SECRET_KEY_ARN"),
        AWS_DEFAULT_REGION,
        AWS_ENDPOINT_URL,
    )
    if SECRET_KEY_ARN
    else env.required("SECRET_KEY", "a long random text that only this site knows")
)
TABLE_NAME = env.required("TABLE_NAME", "the name of the DynamoDB table")
USER_POOL_ID = env.required("USER_POOL_ID", "the id of the Cognito user pool")
CLIENT_ID = env.required("CLIENT_ID", "the id of the site's app client in the user pool")
COGNITO_ISSUER = env.optional(
    "COGNITO_ISSUER", f"https://cognito-idp.{AWS_DEFAULT_REGION}.amazonaws.com/{USER_POOL_ID}"
)
COGNITO_JWKS_URL = env.optional("COGNITO_JWKS_URL", f"{COGNITO_ISSUER}/.well-known/jwks.json")
GOLD_BUCKET = env.required("GOLD_BUCKET", "the name of the S3 bucket with the Gold layer")
GLUE_DATABASE = env.required("GLUE_DATABASE", "the name of the lake's Glue database")
ATHENA_WORKGROUP = env.required("ATHENA_WORKGROUP", "the name of the Athena workgroup for queries")
# Where files that people export wait for their download; the bucket's lifecycle removes them.
EXPORTS_BUCKET = env.optional("EXPORTS_BUCKET", GOLD_BUCKET)
EXPORTS_PREFIX = layout.EXPORTS_PREFIX
MAIL_SENDER = env.optional(
    "MAIL_SENDER", ""
)  # whom notices come from, verified in SES; without, none are sent
MAIL_PREVIEW_URL = env.optional(
    "MAIL_PREVIEW_URL", ""
)  # local only: the e-mails, which never leave the machine
DEMO_PASSWORD = env.optional("DEMO_PASSWORD", "")  # local only: the sign-in page fills it in
# How old a process's knowledge of revoked tokens, and of a person's groups, may be.
REVOCATIONS_SECONDS = env.seconds("REVOCATIONS_SECONDS", 2)
GROUPS_SECONDS = env.seconds("GROUPS_SECONDS", 50)
WORKSPACE_SECONDS = env.seconds("WORKSPACE_SECONDS", 30)  # the same of the settings that admins edit
# For the Health and Pipeline pages. A job request starts the state machine; without one, the lake polls for requests.
CAPTURE_FUNCTION = env.optional("CAPTURE_FUNCTION", catalog.CAPTURE_FUNCTION)
CDC_STREAM = env.optional("CDC_STREAM", catalog.CHANGES_STREAM)
LOGS_STREAM = env.optional("LOGS_STREAM", catalog.REQUESTS_STREAM)
CDC_FAILURE_QUEUE_URL = env.optional("CDC_FAILURE_QUEUE_URL", "")
LAKE_MACHINE_ARN = env.optional("LAKE_MACHINE_ARN", "")
ALARM_TOPIC_ARN = env.optional("ALARM_TOPIC_ARN", "")
REPORTING_TIMEZONE = env.time_zone("REPORTING_TIMEZONE", "UTC")

# --- Insights ------------------------------------------------------------------------------------------------
INSIGHTS_PAGE_SECONDS = env.seconds("INSIGHTS_PAGE_SECONDS", 2.5)  # then a page is sent without the rest
INSIGHTS_QUERY_SECONDS = env.seconds("INSIGHTS_QUERY_SECONDS", 20)  # then a query is cancelled
INSIGHTS_SHOW_TITLES = env.flag("INSIGHTS_SHOW_TITLES", default=False)  # managers read other people's titles

# --- The site ------------------------------------------------------------------------------------------------
ROOT_URLCONF = "todo_site.urls"
# The admin and the API have their own URLconfs, so that pages import neither. The first prefix that fits counts.
URLS_BY_PREFIX = {
    "/admin": "todo_site.operations.urls",
    "/api/docs": ROOT_URLCONF,
    "/api": "todo_site.api_urls",
}
WSGI_APPLICATION = "todo_site.wsgi.application"
INSTALLED_APPS = [
    "dynamo_admin",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "todo_site",
    "tasks",
    "insights",
]
MIDDLEWARE = [
    "web.middleware.RequestIdMiddleware",
    "web.edge.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "web.static_files.StaticFilesMiddleware",
    "web.cors.CorsMiddleware",
    "web.answers.SizeMiddleware",
    "web.answers.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "identity.middleware.LanguageMiddleware",
    "web.middleware.BodyLimitMiddleware",
    "web.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "identity.middleware.PersonMiddleware",
    "identity.middleware.LookingMiddleware",
    "identity.middleware.PageAllowanceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "identity.middleware.ApiCredentialsMiddleware",
    "web.middleware.PrefixUrlsMiddleware",
    "web.middleware.RefusalMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "web.template_engine.FitTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "web.context_processors.site",
                "identity.context_processors.zone",
                "identity.context_processors.of_workspace",
            ],
        },
    }
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "task-list"

# No relational database: the ORM may enter atomic(), but any SQL fails at once and says why.
DATABASES = {"default": {"ENGINE": "web.nodb"}}
# The admin wants django.contrib.auth's middleware and context processor, but people come from Cognito here.
SILENCED_SYSTEM_CHECKS = ["admin.E402", "admin.E408", "fields.W342"]
SESSION_ENGINE = "identity.sessions"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Security ------------------------------------------------------------------------------------------------
HTTPS = APP_URL.startswith("https://")
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # then one signs in again
SESSION_IDLE_SECONDS = 3 * 24 * 3600  # or earlier, when the session was not used for so long
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
# Whether the admin opens only to who has signed in with a second factor.
ADMIN_SECOND_FACTOR = env.flag("ADMIN_SECOND_FACTOR", default=DEPLOYED)
CSRF_FAILURE_VIEW = "web.error_pages.csrf_failure"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DEPLOYED else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# One policy for every answer: nothing inline, nothing from other hosts.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAX_BODY_BYTES = 1024 * 1024
MAX_QUERY_BYTES = 32 * 1024  # API Gateway takes less, gunicorn too
MAX_HEADER_BYTES = 32 * 1024  # API Gateway takes less
# Sites whose scripts may call the API, such as https://app.example.com; none by default.
CORS_ORIGINS = env.origins("CORS_ORIGINS")
# What one person may do in a minute, in requests (see identity.allowance); 0: no limit.
RATE_LIMIT_PER_MINUTE = env.number("RATE_LIMIT_PER_MINUTE", 6000)  # over the API
PAGE_LIMIT_PER_MINUTE = env.number("PAGE_LIMIT_PER_MINUTE", 3000)  # on the pages
FEED_LIMIT_PER_MINUTE = env.number(
    "FEED_LIMIT_PER_MINUTE", 60
)  # whoever has the address of their calendar feed
# What strangers may try and cause from one network (see identity.tries); 0: no limit.
TRIES_PER_NETWORK = env.number("TRIES_PER_NETWORK", 100)  # of each kind, in an hour
MAILS_PER_NETWORK = env.number("MAILS_PER_NETWORK", 60)  # in six hours
MAILS_A_DAY = env.number("MAILS_A_DAY", 0)  # that Cognito or SES sends for us at most; 0: not known
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# --- Language, time, static files ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.optional("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor", BASE_DIR / "node_modules" / "plotly.js-cartesian-dist-min"),
]
WHITENOISE_MAX_AGE = 3600
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING_CONFIG = "web.logging.configure"
REQUEST_LOG_POLICY = POLICY
LOGGING = {"level": env.optional("LOG_LEVEL", "INFO")}

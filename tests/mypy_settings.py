"""The settings as the type checker reads them: no server is contacted."""

import os

os.environ.setdefault("SECRET_KEY", "only for the type checker, which signs nothing")
os.environ.setdefault("DATABASE_URL", "postgresql:///skerry")
os.environ.setdefault("REDIS_URL", "unix:///nowhere/valkey.sock")

from appliance.settings import *  # noqa: F403

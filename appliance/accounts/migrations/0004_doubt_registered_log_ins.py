"""Log-ins of before: those an admin made are confirmed, those that registered themselves are not.

The customers of the latter keep their tickets and lose their address, so that what is opened for
the address from now on waits for whoever confirms it. See decision 21.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.utils import timezone


def doubt_registered_log_ins(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("accounts", "User").objects
    audit_entries = apps.get_model("core", "AuditEntry").objects
    by_admin = audit_entries.filter(kind="user", verb__in=["added", "invited"])
    ids = [int(pk) for pk in by_admin.values_list("subject_id", flat=True) if pk.isdecimal()]
    now = timezone.now()
    users.exclude(role="customer").update(email_confirmed_at=now)
    users.filter(pk__in=ids).update(email_confirmed_at=now)
    customers = apps.get_model("accounts", "Customer").objects.filter(user__isnull=False)
    # an address that differs from the log-in's was chosen by an agent
    chosen = customers.exclude(user__email__iexact=F("email")).values("user")
    users.filter(pk__in=chosen).update(email_confirmed_at=now)
    customers.filter(user__email_confirmed_at=None).update(email="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_confirm_log_ins"),
        ("core", "0002_initial"),
    ]

    operations = [
        migrations.RunPython(doubt_registered_log_ins, migrations.RunPython.noop),
    ]

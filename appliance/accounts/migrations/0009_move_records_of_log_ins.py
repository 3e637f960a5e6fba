"""Keep what django-axes has recorded, which is replaced."""

from django.db import migrations

MOVE = """
DO $$ BEGIN
IF to_regclass('axes_accesslog') IS NOT NULL THEN
    INSERT INTO accounts_loginattempt (name, ip_address, user_agent, is_successful, created_at)
    SELECT left(coalesce(username, ''), 254), coalesce(host(ip_address), ''),
           left(user_agent, 200), is_successful, attempt_time
    FROM (
        SELECT username, ip_address, user_agent, true AS is_successful, attempt_time
        FROM axes_accesslog
        UNION ALL
        SELECT username, ip_address, user_agent, false, attempt_time FROM axes_accessattempt
    ) AS attempts
    WHERE attempt_time > now() - interval '180 days';
    DROP TABLE IF EXISTS axes_accessattemptexpiration;
    DROP TABLE IF EXISTS axes_accesslog, axes_accessattempt, axes_accessfailurelog;
    DELETE FROM django_migrations WHERE app = 'axes';
END IF;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_count_rates_and_log_ins")]
    operations = [migrations.RunSQL(MOVE, migrations.RunSQL.noop)]

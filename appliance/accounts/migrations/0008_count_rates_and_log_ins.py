import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Count by person and by address in one table, and record log-ins without django-axes."""

    dependencies = [
        ("accounts", "0007_undeliverable_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="LoginAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="As it was counted, not as it was typed.", max_length=254
                    ),
                ),
                ("ip_address", models.CharField(max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("is_successful", models.BooleanField()),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RateCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=64)),
                ("count", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveField(
            model_name="personrate",
            name="user",
        ),
        migrations.DeleteModel(
            name="RateLimitHit",
        ),
        migrations.AddIndex(
            model_name="loginattempt",
            index=models.Index(fields=["created_at"], name="login_attempt_created_idx"),
        ),
        migrations.AddIndex(
            model_name="ratecount",
            index=models.Index(fields=["started_at"], name="rate_count_started_idx"),
        ),
        migrations.AddConstraint(
            model_name="ratecount",
            constraint=models.UniqueConstraint(fields=("scope", "key"), name="rate_count_unique"),
        ),
        migrations.DeleteModel(
            name="PersonRate",
        ),
    ]

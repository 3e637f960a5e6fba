from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_knocks"),
    ]

    operations = [
        migrations.RemoveField(model_name="user", name="is_superuser"),
    ]

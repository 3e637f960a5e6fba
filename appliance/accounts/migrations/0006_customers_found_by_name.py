import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models.functions import Concat, Lower


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_role_alone_makes_an_admin"),
        ("core", "0001_extensions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    Lower(
                        Concat(
                            "first_name",
                            models.Value(" "),
                            "last_name",
                            models.Value(" "),
                            "email",
                            output_field=models.TextField(),
                        )
                    ),
                    name="gin_trgm_ops",
                ),
                name="customer_known_by_trgm_idx",
            ),
        ),
    ]

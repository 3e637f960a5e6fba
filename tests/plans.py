"""Which plans PostgreSQL makes for what the product asks."""

from collections.abc import Callable

from django.db import connection


def plans_of(call: Callable[[], object], kinds: tuple[str, ...] = ("SELECT",)) -> str:
    """The plans of all statements of these kinds that ``call`` runs, asked for just before each of
    them; what only sets something is left out.
    """
    plans: list[str] = []

    def explain(execute, sql, params, many, context):
        if sql.lstrip(" (\n").upper().startswith(kinds) and "set_config" not in sql:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.extend(row[0] for row in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        call()
    return "\n".join(plans)

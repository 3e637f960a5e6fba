"""The plans PostgreSQL makes for the queries of the product."""

from collections.abc import Callable

from django.db import connection


def explain_queries(call: Callable[[], object], kinds: tuple[str, ...] = ("SELECT",)) -> str:
    """Return the plans of all statements of these kinds that ``call`` runs, in order.

    Each plan is requested just before its statement. ``set_config`` statements are left out.
    """
    plans: list[str] = []

    def explain(execute, sql, params, many, context):
        if sql.lstrip(" (\n").upper().startswith(kinds) and "set_config" not in sql:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.extend(line for (line,) in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        call()
    return "\n".join(plans)

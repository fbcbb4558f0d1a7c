"""The query that makes `tasks` and `users` of the stored states: the one with the highest sequence number wins.

It is Spark SQL and Trino SQL at once: the engines run it, and Athena's views are made of it.
"""

# Names come from etl.lake.tables.
# ruff: noqa: S608

from etl.lake.tables import TASK_STATES, USER_STATES, VIEWS, Table

_KEYS = {TASK_STATES: "user_id, task_id", USER_STATES: "user_id"}


def latest_sql(states: Table, source: str = "") -> str:
    """Query of the latest state of each key, of removed ones as well.

    Parameters
    ----------
    states
        `TASK_STATES` or `USER_STATES`.
    source
        Relation that has the states; the one of the table's name if empty.
    """
    names = ", ".join((*states.names, "user_bucket"))
    order = "concat(lpad(sequence_number, 40, '0'), event_id) DESC"
    return (
        f"SELECT {names} FROM (SELECT {names}, row_number() OVER (PARTITION BY {_KEYS[states]} ORDER BY {order}) "
        f"AS place FROM {source or states.name}) s WHERE place = 1"
    )


def current_sql(view: Table, source: str = "") -> str:
    """Query of a view: the latest state of each key that was not removed. `source` as in `latest_sql`."""
    names = ", ".join((*view.names, "user_bucket"))
    return f"SELECT {names} FROM ({latest_sql(VIEWS[view], source)}) l WHERE event_name <> 'REMOVE'"

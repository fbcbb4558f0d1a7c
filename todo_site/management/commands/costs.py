"""``manage.py costs``: what a month costs with 1 thousand, 100 thousand and 10 million users, by service."""

from argparse import ArgumentParser
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from todo_site.costs.measured import Measured, as_json, from_json, measure
from todo_site.costs.model import Habits, bill, unserved
from web.commands import ResultCommand, at_least

USERS = (1_000, 100_000, 10_000_000)


class Command(ResultCommand):
    """Measure one task's life in the table of this environment, and multiply."""

    help = "Print a month's cost by service, from the measured calls, units and bytes of one task's life."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options: one for each habit, and where measurements come from and go to."""
        super().add_arguments(parser)
        parser.add_argument("--users", type=at_least(1), nargs="+", default=USERS)
        parser.add_argument("--measured", type=Path, help="calculate from this file instead of measuring")
        parser.add_argument("--save", type=Path, help="write the measurement to this file")
        for habit in fields(Habits):
            parser.add_argument(
                f"--{habit.name.replace('_', '-')}", type=at_least(0, float), default=habit.default
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure or read, calculate, print a Markdown table."""
        needs = read(options["measured"]) if options["measured"] else measure()
        if options["save"]:
            options["save"].write_text(as_json(needs) + "\n")
        habits = Habits(**{habit.name: options[habit.name] for habit in fields(Habits)})
        users = options["users"]
        remarks = [f"\n{number:,} users: {remark}" for number in users for remark in unserved(number, habits)]
        lines = [
            described(needs, habits),
            table([float(number) for number in users], habits, needs),
            *remarks,
        ]
        found = {"measured": asdict(needs), "habits": asdict(habits)}
        found["usd_a_month"] = {number: bill(float(number), habits, needs) for number in users}
        self.show(options["json"], found, lines)


def read(path: Path) -> Measured:
    """Return the measurement in a file that ``--save`` wrote. Raises CommandError."""
    try:
        return from_json(path.read_text())
    except OSError as error:
        raise CommandError(f"--measured {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CommandError(f"--measured {path} is not what --save writes: {error}") from error


def described(needs: Measured, habits: Habits) -> str:
    """Return the measurement and the assumptions in words."""
    steps = ((name, getattr(needs, name)) for name in ("create", "update", "delete", "read"))
    measured = "; ".join(
        f"{name} {step.calls} calls, {step.write_units:g} write and {step.read_units:g} read units"
        for name, step in steps
    )
    assumed = ", ".join(f"{name} {value:g}" for name, value in asdict(habits).items())
    return (
        f"Measured: {measured}; {needs.stored_bytes} bytes stored, {needs.change_bytes} bytes a change.\n"
        f"Assumed, a month: {assumed}.\n"
    )


def table(users: list[float], habits: Habits, needs: Measured) -> str:
    """Return a Markdown table: services down, numbers of users across, USD a month."""
    bills = [bill(number, habits, needs) for number in users]
    rows = ["| USD a month | " + " | ".join(f"{number:,.0f} users" for number in users) + " |"]
    rows.append("|---|" + "---:|" * len(users))
    rows += [
        f"| {service} | " + " | ".join(f"{found[service]:,.2f}" for found in bills) + " |"
        for service in bills[0]
    ]
    totals = [sum(found.values()) for found in bills]
    rows.append("| **all** | " + " | ".join(f"**{total:,.2f}**" for total in totals) + " |")
    each = (total / number * 100 for total, number in zip(totals, users, strict=True))
    rows.append("| cents a user | " + " | ".join(f"{cents:,.3f}" for cents in each) + " |")
    return "\n".join(rows)

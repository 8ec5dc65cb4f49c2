"""A program that answers questions as fast as it can: each answer counts in the totals, in the same transaction."""

from __future__ import annotations

import asyncio
import itertools
import sys

from sqlalchemy import Connection, insert, select, update

from bot.store import tables
from bot.store.engine import Store
from tests.store.filling import row


def answer(connection: Connection, number: int) -> None:
    parents = {
        table.name: connection.execute(select(table).order_by(table.c.id)).mappings().all()[0]
        for table in (tables.workspaces, tables.channels, tables.members, tables.teams, tables.deliveries)
    }
    values = row(tables.rounds, number, parents) | {"delivery_id": None}
    round_id = connection.execute(insert(tables.rounds).values(values).returning(tables.rounds.c.id)).scalar_one()
    connection.execute(
        insert(tables.answers).values(row(tables.answers, number, {**parents, "round": {"id": round_id}}))
    )
    total = tables.totals.c
    if number == 100:
        values = row(tables.totals, number, parents) | {"period": "all", "answers": 0}
        connection.execute(insert(tables.totals).values(values))
    connection.execute(update(tables.totals).where(total.period == "all").values(answers=total.answers + 1))


async def main(url: str) -> None:
    store = await Store.open(url)
    for number in itertools.count(100):
        await store.transaction(answer, number)
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""The door for tests: a whole house in one process, told and asked by its HTTP doors, and when it has come to rest.

What a test of the whole may rely on is exactly `__all__`; what stands behind it may move. Nothing is done here.

`wait_until_quiet` returns when all that was taken in is judged, decided, heard and in the inboxes, when mails that are
due have left, and when every receipt is heard. What waits for a retry or a later day does not count; once the clock of
the house says that it is due, it begins within five seconds.

    order = Order(every={"time_source": "clock"}, clock=lambda: now)
    async with open_house(order) as house, Api(house.url) as api, open_books(house.dsns) as books:
        await api.send("POST", "/roadmap/api/v1/portfolios/default/observations", line, "application/x-ndjson")
        await wait_until_quiet(api, books, "default", print)
        house.mails.mails[0].subject
"""

from deploy.client import Api, CannotError
from deploy.local.books import open_books
from deploy.local.house import Order, open_house
from deploy.local.road import wait_until_quiet

__all__ = ["Api", "CannotError", "Order", "open_books", "open_house", "wait_until_quiet"]

"""State kept in memory between two transactions, so that it need not be loaded anew.

What the state is, is the services' business.
"""

from typing import Generic, TypeVar

from shared.runtime.database.portfolio_rows import Batch, PortfolioRow

S = TypeVar("S")


class Cache(Generic[S]):
    """State in memory, valid for exactly one version of its portfolio.

    `take` removes it, so that a failed transaction leaves nothing half changed behind; `keep` puts it back after
    the commit.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._states: dict[str, tuple[int, S]] = {}

    def take(self, portfolio: PortfolioRow) -> S | None:
        """The state of this very version, or None: then load it."""
        version, state = self._states.pop(portfolio.id, (None, None))
        return state if version == portfolio.version else None

    def keep(self, batch: Batch, portfolio: PortfolioRow, state: S) -> None:
        """Keep the state for the version that the commit of this batch makes."""

        def store() -> None:
            self._states[portfolio.id] = (portfolio.version, state)
            while len(self._states) > self._size:
                self._states.pop(next(iter(self._states)))

        batch.after_commit.append(store)

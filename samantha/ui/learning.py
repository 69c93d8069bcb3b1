"""What a tab's learning mode holds: the pace, how many candidates are shown, the records that are looked at. No Gradio.

The newest run's record grows with its events; a stored run that was opened stands beside it, and is what the page shows
until the next run begins. Branches that are added to either go into its record.
"""

import threading

from samantha.chain.record import Record
from samantha.errors import SettingsError
from samantha.events import Event, RunStarted
from samantha.ui.pace import Pace

CANDIDATES = 10
"""Candidates that are shown of each token, until the user chooses otherwise."""

MOST_CANDIDATES = 100


class Learning:
    """The learning mode of one tab. Thread-safe; records are changed by the threads that read runs and branchings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._opened: Record | None = None
        self.newest = Record()
        self.candidates = CANDIDATES
        self.problem = ""
        """Why the newest branch of a run that has ended was not made, or nothing."""
        self.pace = Pace(self.changed)

    @property
    def version(self) -> int:
        """Grows whenever something of this changes."""
        return self._version

    @property
    def record(self) -> Record:
        """What the page looks at: the stored run that was opened, else the newest run."""
        return self._opened or self.newest

    @property
    def opened(self) -> bool:
        """Whether a stored run is looked at."""
        return self._opened is not None

    @property
    def trace(self) -> int:
        """How many candidates a run is to trace now; 0 while learning mode is off."""
        return 0 if self.pace.off else self.candidates

    def changed(self) -> None:
        """Something of this changed: the pages that watch are told."""
        with self._lock:
            self._version += 1

    def choose_candidates(self, count: object) -> None:
        """Show another number of candidates, from the next step on.

        Raises:
            SettingsError: not from 1 to 100.
        """
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_CANDIDATES:
            raise SettingsError(
                f"The number of candidates is {count!r}, but must be a whole number from 1 to {MOST_CANDIDATES}."
            )
        self.candidates = count
        self.changed()

    def add(self, event: Event) -> None:
        """Take in an event of the run in progress, or of a branching on a run that is looked at."""
        with self._lock:
            if isinstance(event, RunStarted):
                self.newest, self._opened = Record(), None
                self.newest.add(event)
            else:
                for record in (self.newest, self._opened):
                    if record is not None and record.run == event.run:
                        record.add(event)
            self._version += 1

    def of(self, run: str) -> Record | None:
        """The record of a run, if it is one of the two."""
        return next((one for one in (self._opened, self.newest) if one is not None and one.run == run), None)

    def open(self, record: Record) -> None:
        """Look at a stored run."""
        with self._lock:
            self._opened = None if record.run == self.newest.run else record
            self._version += 1

    def close(self) -> None:
        """Look at the newest run again."""
        with self._lock:
            self._opened = None
            self._version += 1

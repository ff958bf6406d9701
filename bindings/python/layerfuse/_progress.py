"""How far the work is, on a terminal: tqdm's bar where there is tqdm."""

import sys
from typing import Any


class bar:
    """progress of any function that takes one."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            tqdm = None
        self.tqdm, self.shown, self.what = tqdm, None, ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.tqdm is not None:
            self._update(what, done, total)
        elif sys.stderr.isatty():
            self.shown = True
            sys.stderr.write("\r%s: %d of %d " % (what, done, total))
            sys.stderr.flush()

    def _update(self, what: str, done: int, total: int) -> None:
        shown: Any = self.shown
        if shown is None or self.what != what or shown.total != total:
            self.close()
            self.shown = shown = self.tqdm(total=total, desc=what)
            self.what = what
        shown.update(done - shown.n)

    def close(self) -> None:
        if self.shown is not None and self.tqdm is not None:
            self.shown.close()
        elif self.shown:
            sys.stderr.write("\n")
        self.shown = None

"""Contexts: threads, seed, instruction set, and how far the work is."""

import ctypes
import logging
import os
import signal
import threading
import weakref
from typing import Any, Callable, Optional

from . import _abi
from ._errors import ArgumentError, Error
from ._library import guarded, lib, make
from ._options import fill

Progress = Callable[[str, int, int], Any]

ISAS = {"best": 0, "scalar": 1, "avx2": 2, "avx512": 3}
_forks = 0  # how many of them this process is away from the one that loaded the library
_logger = logging.getLogger("layerfuse")


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)


class _Told(threading.local):
    """Whom this thread's calls tell how far they are, and whether Ctrl-C was pressed."""

    progress: Optional[Progress] = None
    interrupted = False


_told = _Told()


def _show(what: bytes, done: int, total: int, _user: Any) -> int:
    """Also where Ctrl-C ends a long call."""
    progress = _told.progress
    if _told.interrupted:
        _told.interrupted = False
        raise KeyboardInterrupt
    if progress is None:
        return 0
    return int(progress(what.decode(), done, total) or 0)


def _write(level: int, text: bytes, _user: Any) -> None:
    _logger.log(logging.WARNING if level == _abi.LFUSE_LOG_WARNING else logging.INFO,
                "%s", text.decode("utf-8", "replace"))


_PROGRESS = guarded(_abi.lfuse_progress, _show)
_LOG = guarded(_abi.lfuse_log, _write, None)


def _destroy(pointer: int, forks: int, threads: int) -> None:
    """In a forked process the threads are not there to be waited for: it is left alone."""
    if threads == 1 or forks == _forks:
        lib.lfuse_context_destroy(pointer)


class Context:
    """What calls run with; shareable between threads.

    ``threads`` of the library's own work at once, the caller counted; ``seed`` is of every random
    choice; ``isa`` a ceiling on the instruction set: ``"scalar"``, ``"avx2"``, ``"avx512"``.
    Every function takes one as ``context``, or else uses :func:`default_context`, which has
    one thread. Messages of the library go to the logger ``"layerfuse"``.
    """

    def __init__(self, threads: int = 1, seed: int = 0, isa: str = "best"):
        if isa not in ISAS:
            raise ArgumentError("isa is %r, not one of %s" % (isa, ", ".join(ISAS)))
        options = fill(_abi.lfuse_context_options(), seed=seed, threads=threads, isa=ISAS[isa])
        options.log, options.progress = _LOG, _PROGRESS
        self.pointer = make(lib.lfuse_context_create, ctypes.byref(options))
        self.threads = int(lib.lfuse_context_threads(self.pointer))
        self._forks = _forks
        weakref.finalize(self, _destroy, self.pointer, _forks, self.threads)

    @property
    def isa(self) -> str:
        """The instruction set whose kernels run."""
        found = lib.lfuse_context_isa(self.pointer)
        return next(name for name, value in ISAS.items() if value == found)

    def checked(self) -> int:
        """The handle, where its threads are."""
        if self._forks != _forks and self.threads > 1:
            raise Error("this process was forked from the one that made the context, whose "
                        "threads stayed there: make a Context here", _abi.LFUSE_ERR_THREAD)
        return self.pointer

    def __repr__(self) -> str:
        return "Context(threads=%d, isa=%r)" % (self.threads, self.isa)

    def __reduce__(self) -> Any:
        raise TypeError("a Context cannot be pickled: make one in each process")


_default: Optional[Context] = None


def default_context() -> Context:
    """The context of calls that are given none: one thread, seed 0."""
    global _default
    if _default is None:
        _default = Context()
    return _default


class telling:
    """``with telling(progress):`` the calls of this thread tell progress how far they are.

    progress(what, done, total) stops the work by a value other than 0 or None, or by raising.
    ``True`` shows a bar on a terminal: tqdm's where there is one, else a line of text.
    """

    def __init__(self, progress: "Progress | bool | None"):
        from ._progress import bar
        self.progress: Any = bar() if progress is True else progress or None

    def __enter__(self) -> None:
        self.before, _told.progress = _told.progress, self.progress
        self.handler: Any = None
        if threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                self.handler = signal.signal(signal.SIGINT, _interrupt)

    def __exit__(self, *_: Any) -> None:
        _told.progress = self.before
        if hasattr(self.progress, "close"):
            self.progress.close()
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
            if _told.interrupted:  # too late for a callback
                _told.interrupted = False
                raise KeyboardInterrupt


def _interrupt(*_: Any) -> None:
    """In the place of Python's own handler, which would raise on the way into a callback, where
    nothing can catch it."""
    _told.interrupted = True

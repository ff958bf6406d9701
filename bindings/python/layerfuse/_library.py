"""The shared library: found, checked and called.

LAYERFUSE_LIBRARY names the file; else it is the one that was installed with this module, else
the one that the loader finds as liblayerfuse.so.0. A library of another version is refused when
the module is imported: a struct that it does not know would be read as another.
"""

import ctypes
import os
import threading
from typing import Any

from . import _abi
from ._errors import LibraryError, of

NAME = "liblayerfuse.so.0"
HERE = os.path.dirname(os.path.abspath(__file__))


def _candidates() -> "list[str]":
    asked = os.environ.get("LAYERFUSE_LIBRARY")
    if asked:
        return [asked]
    found = []
    try:
        from ._installed import LIBRARY_DIRECTORY  # written by cmake --install, relative
        found = [os.path.normpath(os.path.join(HERE, LIBRARY_DIRECTORY, NAME))]
    except ImportError:
        pass
    return [path for path in found if os.path.exists(path)] + [NAME]


def _open() -> "tuple[ctypes.CDLL, str]":
    path = _candidates()[0]
    try:
        return ctypes.CDLL(path), path
    except OSError as error:
        raise LibraryError("%s cannot be loaded (%s): install layerfuse, or say where it is by "
                           "LAYERFUSE_LIBRARY=/path/to/%s" % (path, error, NAME)) from None


def _check(library: ctypes.CDLL, path: str) -> None:
    """Before 1.0 a minor release may change anything, as CMake's package says, too."""
    try:
        library.lfuse_version.restype = ctypes.c_int32
        library.lfuse_version_string.restype = ctypes.c_char_p
        number, text = library.lfuse_version(), library.lfuse_version_string().decode()
    except AttributeError:
        raise LibraryError("%s is not layerfuse's library: it has no lfuse_version()"
                           % path) from None
    major, minor, _ = map(int, _abi.VERSION.split("."))
    if number // 1000 != major * 1000 + minor:
        order = "older" if number // 1000 < major * 1000 + minor else "newer"
        raise LibraryError("%s is layerfuse %s, %s than this Python module, which is for %d.%d: "
                           "install the two of one release" % (path, text, order, major, minor))


def _declare(library: ctypes.CDLL, path: str) -> None:
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise LibraryError("%s has no %s(): it is older than this Python module, %s"
                               % (path, name, _abi.VERSION)) from None
        function.restype, function.argtypes = result, arguments


lib, PATH = _open()
_check(lib, PATH)
_declare(lib, PATH)


class _Local(threading.local):
    """Of each thread: where the library tells what went wrong, and what a callback raised."""

    def __init__(self) -> None:
        self.error = _abi.lfuse_error()
        self.reference = ctypes.byref(self.error)
        self.raised: Any = None


local = _Local()


def fail(status: int) -> None:
    """Raises what a call that returned status has told, or what a callback of it raised."""
    raised, local.raised = local.raised, None
    if raised is not None:
        raise raised
    error = local.error
    raise of(status, error.detail, error.message.decode("utf-8", "replace")) from None


def call(function: Any, *arguments: Any) -> None:
    """Calls what returns a status and takes an lfuse_error last."""
    status = function(*arguments, local.reference)
    if status or local.raised is not None:
        fail(status)


def make(function: Any, *arguments: Any) -> int:
    """The same of what returns a handle before that: its address."""
    handle = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    return handle.value or 0


def guarded(kind: Any, function: Any, failed: Any = -1) -> Any:
    """A C callback of this kind. What function raises stops the call and is raised by it."""
    def callback(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except BaseException as raised:  # KeyboardInterrupt, too: it belongs to the caller
            local.raised = raised
            return failed
    return kind(callback)


def text(value: "str | bytes | os.PathLike[str]", what: str = "a name") -> bytes:
    """A string as C has it."""
    data = os.fsencode(value) if not isinstance(value, bytes) else value
    if b"\0" in data:
        raise of(_abi.LFUSE_ERR_ARGUMENT, 0, "%s has a NUL character: %r" % (what, value))
    return data

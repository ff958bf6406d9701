"""What goes wrong, as exceptions. Messages are the library's."""

from . import _abi


class Error(Exception):
    """Something that the library refused.

    ``status`` is the library's value, ``name`` what its headers call it, such as
    ``"LFUSE_ERR_SHAPE"``, and ``detail`` errno or a callback's value, else 0.
    """

    def __init__(self, message: str, status: int = _abi.LFUSE_ERR_ARGUMENT, detail: int = 0):
        super().__init__(message)
        self.status = status
        self.detail = detail

    @property
    def name(self) -> str:
        return NAMES.get(self.status, "LFUSE_ERR_?")


class ArgumentError(Error, ValueError):
    """The argument is at fault: its value, shape, type, or a name; or a call out of order."""


class NoMemoryError(Error, MemoryError):
    """Memory was refused."""


class FileError(Error, OSError):
    """The system refused a file: ``errno`` says why."""

    def __init__(self, message: str, status: int = _abi.LFUSE_ERR_IO, detail: int = 0):
        Error.__init__(self, message, status, detail)
        self.errno = detail or None

    def __str__(self) -> str:
        return str(self.args[0])


class LibraryError(Error, ImportError):
    """liblayerfuse.so.0 is not there, or is of another version than this module."""


NAMES = {value: name for name, value in vars(_abi).items()
         if name == "LFUSE_OK" or name.startswith("LFUSE_ERR_")}


def of(status: int, detail: int, message: str) -> Error:
    """The exception of a status."""
    if _abi.LFUSE_ERR_NO_MEMORY < status < 0:
        kind = ArgumentError
    elif status == _abi.LFUSE_ERR_NO_MEMORY:
        kind = NoMemoryError
    elif status == _abi.LFUSE_ERR_IO:
        kind = FileError
    else:
        kind = Error
    return kind(message, status, detail)

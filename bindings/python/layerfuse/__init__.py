"""layerfuse: layer fusion for trained neural networks, over liblayerfuse.so.0.

    import layerfuse as lf
    plan = lf.plan({"h.0.weight": a, "h.1.weight": b, ...}, ratio=2.0)
    smaller = plan.apply(arrays)            # members of a group share memory
    lf.save("small.safetensors", smaller)   # shared arrays are stored once

Arrays are NumPy's, PyTorch's, or of anything that speaks DLPack; none is copied. What goes wrong
raises lf.Error, a ValueError where an argument is at fault. docs/python.md is the guide.
"""

from ._abi import VERSION as __version__
from ._errors import ArgumentError, Error, FileError, LibraryError, NoMemoryError
from ._cka import CKA
from ._context import Context, default_context
from ._bfloat16 import BFloat16
from ._couplings import Couplings
from ._files import Checkpoint, load, save
from ._layers import Layer, Parameter
from ._outputs import Outputs
from ._plan import Account, Fusion, Plan, plan
from ._retrainer import Retrainer, Trained
from ._search import Inflection, curve_inflection, search_ratio
from . import kernels
from ._similarity import (MetricInfo, assignment, metric_info, metrics, similarity,
                          similarity_matrix)


def __getattr__(name: str) -> object:
    """layerfuse.torch is imported when it is asked for: NumPy is all that the rest needs."""
    if name == "torch":
        import importlib
        return importlib.import_module(".torch", __name__)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))

"""Forward and backward of what a network is made of, in float32, for callers that have none.

Arrays are NumPy's or anything that speaks DLPack, dense; results are new NumPy arrays. Products
take their factors transposed or with longer rows as they lie.
"""

from ctypes import byref
from typing import Any, Optional, Sequence, Union

import numpy as np

from . import _abi, _views
from ._context import Context, default_context
from ._errors import ArgumentError
from ._library import call, lib
from ._options import choice, fill

Pair = Union[int, Sequence[int]]

__all__ = ["gemm", "linear_forward", "linear_backward", "conv2d_forward", "conv2d_backward",
           "relu_forward", "relu_backward", "softmax_cross_entropy"]


def _view(a: Any, what: str, rank: Optional[int] = None) -> _views.View:
    found = _views.view(a, what)
    if found.dtype != _views.F32:
        raise ArgumentError("%s is not of float32, which kernels take alone" % what,
                            _abi.LFUSE_ERR_TYPE)
    if rank is not None and len(found.shape) != rank:
        raise ArgumentError("%s is of shape %s, not of rank %d" % (what, found.shape, rank),
                            _abi.LFUSE_ERR_SHAPE)
    return found


def _dense(a: Any, what: str, rank: Optional[int] = None,
           shape: "Optional[tuple[int, ...]]" = None) -> _views.View:
    found = _view(a, what, rank)
    if shape is not None and found.shape != shape:
        raise ArgumentError("%s is of shape %s, not %s" % (what, found.shape, shape),
                            _abi.LFUSE_ERR_SHAPE)
    dense = _views.dense_strides(found.shape)
    if any(s != d and n > 1 for s, d, n in zip(found.strides, dense, found.shape)):
        raise ArgumentError("%s is not dense: pass numpy.ascontiguousarray(%s)" % (what, what))
    return found


# ---- products


def _factor(a: Any, what: str) -> "tuple[_views.View, bool, int]":
    """A matrix, whether it is stored transposed, and the length of its rows in memory."""
    found = _view(a, what, 2)
    (rows, columns), (down, across) = found.shape, found.strides
    if across == 1 and (down >= columns or rows == 1):
        return found, False, max(down, columns)
    if down == 1 and (across >= rows or columns == 1):
        return found, True, max(across, rows)
    raise ArgumentError("%s has strides %s: one of them has to be 1; pass a copy"
                        % (what, found.strides))


def gemm(a: Any, b: Any, *, alpha: float = 1.0, beta: float = 0.0, c: Any = None,
         context: Optional[Context] = None) -> np.ndarray:
    """alpha a b + beta c, of (m, k) and (k, n); either may be a transpose, read as it lies.

    Without beta the product is a new array; with it c, which has to be dense, is written to.
    """
    (x, flip_a, lda), (y, flip_b, ldb) = _factor(a, "a"), _factor(b, "b")
    (m, k), (rows, n) = x.shape, y.shape
    if rows != k:
        raise ArgumentError("a is %s, b is %s: %d columns, %d rows" % (x.shape, y.shape, k, rows),
                            _abi.LFUSE_ERR_SHAPE)
    if c is None:
        if beta != 0.0:
            raise ArgumentError("beta is %g without c" % beta)
        c = np.empty((m, n), np.float32)
    out = _dense(c, "c", 2, (m, n))
    if not out.writable:
        raise ArgumentError("c is read-only")
    args = fill(_abi.lfuse_gemm_args(), m=m, n=n, k=k, lda=lda, ldb=ldb, alpha=alpha, beta=beta)
    args.a, args.b, args.c = x.address, y.address, out.address
    args.flags = (_abi.LFUSE_GEMM_TRANSPOSE_A if flip_a else 0) | (
        _abi.LFUSE_GEMM_TRANSPOSE_B if flip_b else 0)
    call(lib.lfuse_gemm, (context or default_context()).checked(), byref(args))
    return c


def _linear(x: Any, w: Any) -> "tuple[Any, _views.View, _views.View]":
    xv, wv = _dense(x, "x", 2), _dense(w, "w", 2)
    if xv.shape[1] != wv.shape[1]:
        raise ArgumentError("x is %s, w is %s" % (xv.shape, wv.shape), _abi.LFUSE_ERR_SHAPE)
    args = fill(_abi.lfuse_linear_args(), batch=xv.shape[0], in_features=xv.shape[1],
                out_features=wv.shape[0])
    args.x, args.w = xv.address, wv.address
    return args, xv, wv


def linear_forward(x: Any, w: Any, bias: Any = None, *,
                   context: Optional[Context] = None) -> np.ndarray:
    """x w' + bias, of x (batch, in) and w (out, in)."""
    args, xv, wv = _linear(x, w)
    y = np.empty((xv.shape[0], wv.shape[0]), np.float32)
    b = None if bias is None else _dense(bias, "bias", 1, (wv.shape[0],))
    args.bias, args.y = b and b.address, y.ctypes.data
    call(lib.lfuse_linear_forward, (context or default_context()).checked(), byref(args))
    return y


def linear_backward(x: Any, w: Any, dy: Any, *, context: Optional[Context] = None
                    ) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """(dx, dw, dbias) of :func:`linear_forward`, from the gradient dy of its result."""
    args, xv, wv = _linear(x, w)
    given = _dense(dy, "dy", 2, (xv.shape[0], wv.shape[0]))
    dx, dw, db = (np.empty(shape, np.float32) for shape in (xv.shape, wv.shape, wv.shape[:1]))
    args.dy, args.dx, args.dw, args.dbias = (given.address, dx.ctypes.data, dw.ctypes.data,
                                             db.ctypes.data)
    pointer = (context or default_context()).checked()
    call(lib.lfuse_linear_backward_data, pointer, byref(args))
    call(lib.lfuse_linear_backward_weights, pointer, byref(args))
    return dx, dw, db


# ---- convolution


def _pair(value: Pair, what: str) -> "tuple[int, int]":
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)  # type: ignore[arg-type]
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) for v in pair):
        raise ArgumentError("%s is %r, neither a whole number nor a pair" % (what, value))
    return int(pair[0]), int(pair[1])


class _Conv2d:
    """lfuse_conv2d_args of these arrays, and the shape of y."""

    def __init__(self, x: Any, w: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int,
                 layout: str):
        self.x, self.w = _dense(x, "x", 4), _dense(w, "w", 4)
        is_nchw = choice("layout", layout) == _abi.LFUSE_LAYOUT_NCHW
        n, *image = self.x.shape
        channels, height, width = image if is_nchw else (image[2], image[0], image[1])
        out, per_group, *kernel = self.w.shape
        if per_group * groups != channels:
            raise ArgumentError("x has %d channels, w is %s for %d groups" % (
                channels, self.w.shape, groups), _abi.LFUSE_ERR_SHAPE)
        strides, dilations = _pair(stride, "stride"), _pair(dilation, "dilation")
        for what, values in (("stride", strides), ("dilation", dilations), ("groups", (groups,))):
            if min(values) < 1:
                raise ArgumentError("%s is %r, not at least 1" % (what, min(values)))
        pads = _pair(padding, "padding")
        sides = [(side + 2 * p - d * (k - 1) - 1) // s + 1 for side, p, d, k, s in zip(
            (height, width), pads, dilations, kernel, strides)]
        self.y_shape = (n, out, *sides) if is_nchw else (n, *sides, out)
        self.args = fill(_abi.lfuse_conv2d_args(), batch=n, in_channels=channels, height=height,
                         width=width, out_channels=out, kernel_h=kernel[0], kernel_w=kernel[1],
                         stride_h=strides[0], stride_w=strides[1], pad_top=pads[0],
                         pad_bottom=pads[0], pad_left=pads[1], pad_right=pads[1],
                         dilation_h=dilations[0], dilation_w=dilations[1], groups=groups,
                         layout=layout)
        self.args.x, self.args.w = self.x.address, self.w.address

    def out(self) -> np.ndarray:
        """Room for y; where the kernel is larger than the image, the library says so."""
        return np.empty([max(side, 1) for side in self.y_shape], np.float32)


def conv2d_forward(x: Any, w: Any, bias: Any = None, stride: Pair = 1, padding: Pair = 0,
                   dilation: Pair = 1, groups: int = 1, *, layout: str = "NCHW",
                   context: Optional[Context] = None) -> np.ndarray:
    """The convolution of x, (batch, in, height, width), by w, (out, in / groups, kh, kw), + bias.

    ``layout="NHWC"``, the faster one, is that of x and of the result; w stays as it is.
    """
    conv = _Conv2d(x, w, stride, padding, dilation, groups, layout)
    b = None if bias is None else _dense(bias, "bias", 1, (conv.w.shape[0],))
    y = conv.out()
    conv.args.bias, conv.args.y = b and b.address, y.ctypes.data
    call(lib.lfuse_conv2d_forward, (context or default_context()).checked(), byref(conv.args))
    return y


def conv2d_backward(x: Any, w: Any, dy: Any, stride: Pair = 1, padding: Pair = 0,
                    dilation: Pair = 1, groups: int = 1, *, layout: str = "NCHW",
                    context: Optional[Context] = None
                    ) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """(dx, dw, db) of :func:`conv2d_forward`, from the gradient dy of its result."""
    conv = _Conv2d(x, w, stride, padding, dilation, groups, layout)
    given = _dense(dy, "dy", 4, conv.y_shape)
    dx, dw, db = (np.empty(shape, np.float32) for shape in (conv.x.shape, conv.w.shape,
                                                            conv.w.shape[:1]))
    args = conv.args
    args.dy, args.dx, args.dw, args.dbias = (given.address, dx.ctypes.data, dw.ctypes.data,
                                             db.ctypes.data)
    pointer = (context or default_context()).checked()
    call(lib.lfuse_conv2d_backward_data, pointer, byref(args))
    call(lib.lfuse_conv2d_backward_weights, pointer, byref(args))
    return dx, dw, db


# ---- the rest of a step


def relu_forward(x: Any, *, context: Optional[Context] = None) -> np.ndarray:
    """max(0, x)."""
    given = _dense(x, "x")
    y = np.empty(given.shape, np.float32)
    call(lib.lfuse_relu_forward, (context or default_context()).checked(), given.address, y.size,
         y.ctypes.data)
    return y


def relu_backward(y: Any, dy: Any, *, context: Optional[Context] = None) -> np.ndarray:
    """dy where y, the result of :func:`relu_forward`, is above 0; else 0."""
    given = _dense(y, "y")
    dx = np.empty(given.shape, np.float32)
    call(lib.lfuse_relu_backward, (context or default_context()).checked(), given.address,
         _dense(dy, "dy", None, given.shape).address, dx.size, dx.ctypes.data)
    return dx


def softmax_cross_entropy(logits: Any, labels: Any, *, context: Optional[Context] = None
                          ) -> "tuple[float, np.ndarray, int]":
    """(mean loss in nats, its gradient, how many rows are right) of (batch, classes)."""
    given = _dense(logits, "logits", 2)
    numbers = np.ascontiguousarray(labels, np.int32)
    if numbers.shape != given.shape[:1]:
        raise ArgumentError("labels is of shape %s, logits %s" % (numbers.shape, given.shape),
                            _abi.LFUSE_ERR_SHAPE)
    gradient, loss, right = np.empty(given.shape, np.float32), np.empty(1), np.empty(1, np.int64)
    args = fill(_abi.lfuse_cross_entropy_args(), batch=given.shape[0], classes=given.shape[1])
    args.logits, args.labels, args.dlogits = (given.address, numbers.ctypes.data,
                                              gradient.ctypes.data)
    args.loss, args.correct = loss.ctypes.data, right.ctypes.data
    call(lib.lfuse_softmax_cross_entropy, (context or default_context()).checked(), byref(args))
    return float(loss[0]), gradient, int(right[0])

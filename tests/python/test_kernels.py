"""test_kernels.py - products and convolutions against their definitions in f64"""

from common import EPS32, Case, drawn, lf, main, np

k = lf.kernels


def convolution(x, w, stride, padding, dilation, groups):
    """By its definition, in f64, with the sums of absolute values that bound its error."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    span = [(n - 1) * d + 1 for n, d in zip(w.shape[2:], dilation)]
    sides = [(x.shape[2 + i] - span[i]) // stride[i] + 1 for i in (0, 1)]
    y = np.zeros((x.shape[0], w.shape[0], *sides))
    bound = np.zeros_like(y)
    share, per = w.shape[1], w.shape[0] // groups
    for o in range(w.shape[0]):
        inputs = slice(o // per * share, (o // per + 1) * share)
        for i, j in np.ndindex(*sides):
            rows = slice(i * stride[0], i * stride[0] + span[0], dilation[0])
            columns = slice(j * stride[1], j * stride[1] + span[1], dilation[1])
            terms = x[:, inputs, rows, columns] * w[o]
            y[:, o, i, j] = terms.sum((1, 2, 3))
            bound[:, o, i, j] = np.abs(terms).sum((1, 2, 3))
    return y, bound


class Kernels(Case):
    def test_products_take_transposes_and_longer_rows_as_they_lie(self):
        a, b = drawn(5, 7), drawn(7, 3, seed=1)
        wide = drawn(5, 20, seed=2)
        for x, y in ((a, b), (b.T, a.T), (a, np.asfortranarray(b)), (wide[:, 4:11], b)):
            got = k.gemm(x, y)
            exact = x.astype(np.float64) @ y.astype(np.float64)
            self.within(got, exact, 7 * 2 * EPS32 * (np.abs(x) @ np.abs(y)))
        c = np.ones((5, 3), np.float32)
        self.assertIs(k.gemm(a, b, alpha=2.0, beta=3.0, c=c), c)
        self.within(c, 2 * (a @ b) + 3, 9 * 2 * EPS32 * (2 * np.abs(a) @ np.abs(b) + 3))

    def test_convolutions_are_their_definition(self):
        for shape, kernel, stride, padding, dilation, groups in (
                ((2, 4, 9, 8), (6, 4, 3, 3), (1, 1), (1, 1), (1, 1), 1),
                ((1, 4, 9, 8), (6, 2, 3, 2), (2, 1), (0, 2), (1, 2), 2)):
            x, w, bias = drawn(*shape), drawn(*kernel, seed=1), drawn(kernel[0], seed=2)
            wanted, bound = convolution(x, w, stride, padding, dilation, groups)
            wanted += bias[:, None, None]
            terms = w[0].size + 1
            for layout, order in (("NCHW", (0, 1, 2, 3)), ("NHWC", (0, 2, 3, 1))):
                got = k.conv2d_forward(np.ascontiguousarray(x.transpose(order)), w, bias, stride,
                                       padding, dilation, groups, layout=layout)
                self.within(got, wanted.transpose(order), (terms * 2 * EPS32 * (
                    bound + np.abs(bias)[:, None, None])).transpose(order))

    def test_gradients_are_the_adjoint(self):
        # <dy, conv(x, w)> is linear in x, in w and in bias: the gradients are its coefficients.
        x, w, bias = drawn(2, 4, 6, 5), drawn(3, 2, 3, 3, seed=1), drawn(3, seed=2)
        rest = dict(stride=(2, 1), padding=1, dilation=1, groups=1)
        w = drawn(3, 4, 3, 3, seed=1)
        y = k.conv2d_forward(x, w, **rest)
        dy = drawn(*y.shape, seed=3)
        dx, dw, db = k.conv2d_backward(x, w, dy, **rest)
        inner = np.sum(dy.astype(np.float64) * y)
        terms = x.size + w.size + y.size
        bound = terms * EPS32 * np.abs(dy).sum() * np.abs(y).max()
        self.within(np.sum(dx.astype(np.float64) * x), inner, bound)
        self.within(np.sum(dw.astype(np.float64) * w), inner, bound)
        self.within(db, dy.astype(np.float64).sum((0, 2, 3)), terms * EPS32 * np.abs(dy).sum())
        self.assertEqual(db.shape, bias.shape)

    def test_linear_layers_relu_and_loss(self):
        x, w, bias, dy = drawn(4, 6), drawn(3, 6, seed=1), drawn(3, seed=2), drawn(4, 3, seed=3)
        bound = 8 * 2 * EPS32 * 40
        self.within(k.linear_forward(x, w, bias), x.astype(np.float64) @ w.T + bias, bound)
        dx, dw, db = k.linear_backward(x, w, dy)
        self.within(dx, dy.astype(np.float64) @ w, bound)
        self.within(dw, dy.T.astype(np.float64) @ x, bound)
        self.within(db, dy.astype(np.float64).sum(0), bound)
        self.equal(k.relu_forward(x), np.maximum(x, 0))
        self.equal(k.relu_backward(k.relu_forward(x), x), np.maximum(x, 0))
        loss, gradient, right = k.softmax_cross_entropy(x, [0, 1, 2, 3])
        p = np.exp(x.astype(np.float64))
        p /= p.sum(1, keepdims=True)
        self.within(loss, -np.mean(np.log(p[range(4), range(4)])), 1e-12)  # f64 throughout
        self.within(gradient, (p - np.eye(4, 6)) / 4, 2 * EPS32)
        self.assertEqual(right, int(np.sum(x.argmax(1) == np.arange(4))))

    def test_what_kernels_do_not_take_is_refused(self):
        x, w, refused = drawn(2, 4, 9, 8), drawn(6, 4, 3, 3), self.refused
        shape, kind = "LFUSE_ERR_SHAPE", "LFUSE_ERR_TYPE"
        refused("x is not dense", k.conv2d_forward, x.transpose(0, 1, 3, 2), w)
        refused("x is not of float32", k.conv2d_forward, x.astype(np.float64), w, status=kind)
        refused("x is of shape (2, 4)", k.conv2d_forward, drawn(2, 4), w, status=shape)
        refused("x has 4 channels", k.conv2d_forward, x, w, groups=2, status=shape)
        refused("kernel_h is 19", k.conv2d_forward, x, drawn(6, 4, 19, 3), status=shape)
        refused("stride is 0", k.conv2d_forward, x, w, stride=0)
        refused("stride is 1.5", k.conv2d_forward, x, w, stride=1.5)
        refused("pad_top is -1", k.conv2d_forward, x, w, padding=-1)
        refused("layout is 'CHWN'", k.conv2d_forward, x, w, layout="CHWN")
        refused("bias is of shape (5,)", k.conv2d_forward, x, w, drawn(5), status=shape)
        refused("dy is of shape", k.conv2d_backward, x, w, x, status=shape)
        refused("a is (5, 7), b is (5, 7)", k.gemm, drawn(5, 7), drawn(5, 7), status=shape)
        refused("one of them has to be 1", k.gemm, drawn(5, 8)[:, ::2], drawn(4, 2))
        refused("beta is 1 without c", k.gemm, drawn(2, 2), drawn(2, 2), beta=1.0)
        frozen = np.zeros((2, 2), np.float32)
        frozen.flags.writeable = False
        refused("c is read-only", k.gemm, drawn(2, 2), drawn(2, 2), c=frozen)
        refused("labels[1] is 9", k.softmax_cross_entropy, drawn(2, 3), [0, 9])


if __name__ == "__main__":
    main()

"""test_arrays.py - what is read in place, and what is refused, and why"""

import ctypes

from common import Case, drawn, lf, main, np


class Interface:
    """An array that is nobody's but its owner's."""

    def __init__(self, array):
        self.__array_interface__ = array.__array_interface__
        self.owner = array


class Arrays(Case):
    def setUp(self):
        self.a, self.b = drawn(4, 6, seed=1), drawn(4, 6, seed=2)
        self.distance = lf.similarity(self.a, self.b)

    def test_any_protocol_reads_the_same_memory(self):
        for same in (memoryview(self.a), Interface(self.a), np.asfortranarray(self.a),
                     np.repeat(self.a, 2, 0)[::2]):
            self.assertEqual(lf.similarity(same, self.b), self.distance)

    def test_strides_are_followed(self):
        self.assertEqual(lf.similarity(self.a.T, self.b.T), self.distance)
        self.assertEqual(lf.similarity(np.moveaxis(self.a.reshape(4, 2, 3), 0, 2),
                                       np.moveaxis(self.b.reshape(4, 2, 3), 0, 2)), self.distance)

    def test_the_stride_of_an_axis_of_one_means_nothing(self):
        one = np.lib.stride_tricks.as_strided(self.a, (1, 6), (-3, 4))
        self.assertEqual(lf.similarity(one, self.a[:1]), 0.0)

    def test_all_types_are_read_as_they_are(self):
        whole = np.arange(24).reshape(4, 6)  # exact in each of them
        other = whole[::-1].copy()
        wanted = lf.similarity(whole.astype(np.float64), other.astype(np.float64))
        bits = (whole.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        for same in (whole.astype(np.float32), whole.astype(np.float16), lf.BFloat16(bits)):
            self.assertEqual(lf.similarity(same, other.astype(np.float64)), wanted)

    def test_read_only_arrays_are_read(self):
        self.a.flags.writeable = False
        self.assertEqual(lf.similarity(self.a, self.b), self.distance)

    def test_bfloat16_says_what_it_is_to_dlpack(self):
        x = lf.BFloat16(np.array([[0x3F80, 0x4000]], np.uint16))
        self.equal(x.astype(), [[1.0, 2.0]])
        self.assertEqual(x.__dlpack_device__(), (1, 0))
        self.assertEqual(lf.similarity(x, x.astype()), 0.0)

    def test_what_cannot_be_read_in_place_is_refused(self):
        a, b = self.a, self.b
        released = memoryview(a.copy())
        released.release()
        shifted = np.zeros(a.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(a.shape)
        record = np.zeros(4, [("x", "<f4", (6,)), ("y", "u1")])
        kind = "LFUSE_ERR_TYPE"
        for text, array, status in (
                ("a is big-endian", a.astype(">f4"), kind),
                ("a is of dtype int64", a.astype(np.int64), kind),
                ("a is of dtype complex64", a.astype(np.complex64), kind),
                ("a is of dtype float128", a.astype(np.longdouble), kind),
                ("a is of type list", a.tolist(), kind),
                ("a is None", None, kind),
                ("a has a stride of -24 bytes", a[::-1], "LFUSE_ERR_ARGUMENT"),
                ("a has a stride of 0 bytes", np.broadcast_to(a[:1], a.shape),
                 "LFUSE_ERR_ARGUMENT"),
                ("a has a stride of 25 bytes", record["x"], "LFUSE_ERR_ARGUMENT"),
                ("a: it is not aligned to 4 bytes", shifted, "LFUSE_ERR_ARGUMENT"),
                ("a: rank is 0", np.float32(1), "LFUSE_ERR_ARGUMENT"),
                ("a: rank is 9", np.zeros((1,) * 9, np.float32), "LFUSE_ERR_ARGUMENT"),
                ("a: dims[0] is 0", a[:0], "LFUSE_ERR_ARGUMENT"),
                ("a cannot be read in place: operation forbidden on released", released,
                 "LFUSE_ERR_ARGUMENT")):
            if text.endswith("float128") and np.longdouble is np.float64:
                continue
            with self.subTest(text):
                self.refused(text, lf.similarity, array, b, status=status)

    def test_overlapping_elements_are_refused(self):
        windows = np.lib.stride_tricks.as_strided(self.a, (4, 6), (4, 4))
        self.refused("must step over", lf.similarity, windows, self.b)

    def test_a_device_that_is_not_the_cpu_is_named(self):
        class Elsewhere:
            device, shape = "cuda:0", (4, 6)

            def __dlpack_device__(self):
                return 2, 0

            def __dlpack__(self):
                raise AssertionError("never asked for")

        self.refused("a is on cuda:0", lf.similarity, Elsewhere(), self.b)

    def test_an_export_that_fails_is_told_with_its_cause(self):
        class Broken:
            shape = (4, 6)

            def __dlpack_device__(self):
                return 1, 0

            def __dlpack__(self):
                raise RuntimeError("not today")

        self.refused("a cannot be read in place: not today", lf.similarity, Broken(), self.b)

    def test_memory_stays_while_a_result_is_alive(self):
        arrays = {"h.%d.w" % i: drawn(4, 3, seed=i) for i in range(3)}
        tied = lf.plan(arrays, ratio=1.5).apply(arrays)
        kept = {name: array.copy() for name, array in tied.items()}
        del arrays
        ctypes.memset(ctypes.create_string_buffer(1 << 20), 7, 1 << 20)
        for name, array in tied.items():
            self.equal(array, kept[name])


if __name__ == "__main__":
    main()

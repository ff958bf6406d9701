"""test_files.py - safetensors files: every type, shared memory, and the loader of the guide"""

import os
import re

from common import SOURCE, Case, drawn, lf, main, network, np


def loader_of_the_guide():
    """The function that docs/python.md shows, compiled."""
    with open(os.path.join(SOURCE, "docs", "python.md"), encoding="utf-8") as file:
        blocks = re.findall(r"```python\n(.*?)```", file.read(), re.S)
    source = next(block for block in blocks if "def load_dedup(" in block)
    scope = {}
    exec(compile(source, "docs/python.md", "exec"), scope)
    return source, scope["load_dedup"]


class Files(Case):
    def setUp(self):
        self.arrays = network()
        self.plan = lf.plan(self.arrays, ratio=2.0)
        self.tied = self.plan.apply(self.arrays)

    def test_shared_arrays_are_stored_once_and_come_back_shared(self):
        with self.folder() as path:
            lf.save(path("dedup"), self.tied)
            lf.save(path("expand"), self.tied, mode="expand")
            saved = sum(f.saved_parameters for f in self.plan.fusions) * 4
            self.assertGreaterEqual(os.path.getsize(path("expand")) -
                                    os.path.getsize(path("dedup")), saved - 1024)
            for name in ("dedup", "expand"):
                loaded = lf.load(path(name))
                self.assertEqual(set(loaded), set(self.tied))
                for key, array in loaded.items():
                    self.equal(array, self.tied[key])
            loaded = lf.load(path("dedup"))
            group = self.plan.groups[0]
            self.assertIs(loaded[group[0]], loaded[group[1]])
            self.assertEqual(set(lf.Checkpoint(path("dedup")).aliases),
                             {n for g in self.plan.groups for n in g[1:]})

    def test_loaded_arrays_are_the_file_and_writing_is_private(self):
        with self.folder() as path:
            lf.save(path("net"), self.tied)
            loaded = lf.load(path("net"))
            group = self.plan.groups[0]
            loaded[group[0]][0, 0] = 7.0
            self.assertEqual(loaded[group[1]][0, 0], 7.0)
            self.equal(lf.load(path("net"))[group[0]], self.tied[group[0]])
            lf.save(path("net"), loaded)  # over the file that is mapped
            self.assertEqual(lf.load(path("net"))[group[1]][0, 0], 7.0)

    def test_all_types_that_files_have_go_through(self):
        arrays = {"h.0.w": drawn(3, 2), "counter": np.int64(7), "mask": np.eye(2, dtype=bool),
                  "scalar": np.float32(2.5), "empty": np.zeros((0, 3), np.float32),
                  "f16": drawn(3).astype(np.float16), "f64": drawn(3, dtype=np.float64),
                  "half": lf.BFloat16(np.arange(4, dtype=np.uint16)), "column": drawn(4, 3)[:, 1]}
        arrays.update((kind, np.arange(3).astype(kind)) for kind in
                      ("int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"))
        with self.folder() as path:
            for mode in ("dedup", "expand"):
                lf.save(path(mode), arrays, mode=mode, metadata={"who": "me"})
                loaded, metadata = lf.load(path(mode), metadata=True)
                self.assertEqual(metadata, {"who": "me"})
                self.assertEqual(set(loaded), set(arrays))
                for name, array in arrays.items():
                    if name == "half":
                        self.equal(loaded[name].bits, array.bits)
                    else:
                        self.equal(loaded[name], array)
                        self.assertEqual(loaded[name].dtype, array.dtype)
            lf.save(path("alone"), {"counter": np.arange(3)})
            self.equal(lf.load(path("alone"))["counter"], np.arange(3))

    def test_rows_are_stored_once_in_banks(self):
        plan = lf.plan(self.arrays, ratio=1.5, unit="row")
        tied = plan.apply(self.arrays)
        with self.folder() as path:
            lf.save(path("rows"), tied, banks=plan.banks(tied))
            loaded = lf.load(path("rows"))
            self.assertEqual(set(loaded), set(tied))
            for name, array in loaded.items():
                self.equal(array, tied[name])

    def test_the_loader_of_the_guide_reads_dedup_files_without_the_library(self):
        source, load_dedup = loader_of_the_guide()
        self.assertLessEqual(len(source.splitlines()), 30)
        self.assertNotIn("layerfuse as", source)
        with self.folder() as path:
            extra = dict(self.tied, counter=np.int64(3),
                         half=lf.BFloat16(np.array([0x3F80, 0x4000], np.uint16)))
            lf.save(path("net"), extra)
            loaded = load_dedup(path("net"))
            self.assertEqual(set(loaded), set(extra))
            for name, array in self.tied.items():
                self.equal(loaded[name], array)
            self.equal(loaded["half"], [1.0, 2.0])
            self.assertIs(loaded[self.plan.groups[0][0]], loaded[self.plan.groups[0][1]])

    def test_what_cannot_be_read_or_written_is_refused(self):
        with self.folder() as path:
            missing = path(os.path.join("no", "where"))
            self.refused("cannot open", lf.load, missing, status="LFUSE_ERR_IO", kind=OSError)
            self.refused("cannot write", lf.save, missing, self.arrays, status="LFUSE_ERR_IO",
                         kind=OSError)
            with open(path("text"), "w", encoding="utf-8") as file:
                file.write("this is no checkpoint, whatever its name says")
            self.refused("header", lf.load, path("text"), status="LFUSE_ERR_FORMAT", kind=lf.Error)
            self.refused("mode is 'zip'", lf.save, path("x"), self.arrays, mode="zip")
            self.refused("has a NUL", lf.save, path("x"), {"a\0b": drawn(2)})
            self.refused("c is of dtype complex64", lf.save, path("x"),
                         {"c": np.zeros(2, np.complex64)}, status="LFUSE_ERR_TYPE")
            self.refused("count is 0", lf.save, path("x"), {})
            self.assertFalse(os.path.exists(path("x")))


if __name__ == "__main__":
    main()

"""test_plan.py - plans from arrays, what they make of them, and their files"""

import os
import subprocess

from common import EPS32, Case, drawn, lf, main, network, np

COMMAND = os.environ.get("LAYERFUSE_COMMAND")


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


class Plans(Case):
    def setUp(self):
        self.arrays = network()
        self.before = copies(self.arrays)

    def mean(self, names):
        return np.mean([self.before[name].astype(np.float64) for name in names], axis=0)

    def test_members_share_the_mean_and_nothing_given_is_written(self):
        plan = lf.plan(self.arrays, ratio=2.0)
        tied = plan.apply(self.arrays)
        self.assertEqual(list(tied), list(self.arrays))
        grouped = {name for group in plan.groups for name in group}
        for group in plan.groups:
            self.assertGreater(len(group), 1)
            for name in group:
                self.assertTrue(np.shares_memory(tied[name], tied[group[0]]))
            # a mean in f64, rounded once to f32
            self.within(tied[group[0]], self.mean(group), EPS32 * np.abs(self.mean(group)) + 1e-45)
        for name, array in self.arrays.items():
            self.equal(array, self.before[name])
            if name not in grouped:
                self.assertIs(tied[name], array)

    def test_in_place_gives_the_same_without_memory_of_its_own(self):
        plan = lf.plan(self.arrays, ratio=2.0)
        wanted = plan.apply(self.arrays)
        tied = plan.apply(self.arrays, inplace=True)
        for group, kept in zip(plan.groups, plan.kept):
            for name in group:
                self.assertIs(tied[name], self.arrays[kept])
        for name in wanted:
            self.equal(tied[name], wanted[name])

    def test_every_policy_in_place_is_that_of_new_memory(self):
        for policy in ("average", "freeze", "random", "js"):
            arrays = copies(self.before)
            plan = lf.plan(arrays, ratio=2.0, policy=policy)
            wanted, tied = plan.apply(arrays), plan.apply(arrays, inplace=True)
            for name in wanted:
                self.equal(tied[name], wanted[name])

    def test_a_function_is_a_policy(self):
        plan = lf.plan(self.arrays, ratio=2.0, policy=lambda members: np.max(members, axis=0))
        tied = plan.apply(self.arrays)
        for group in plan.groups:
            self.equal(tied[group[0]], np.max([self.before[name] for name in group], axis=0))
        for name, array in self.arrays.items():
            self.equal(array, self.before[name])
        with self.assertRaises(ZeroDivisionError):
            lf.plan(self.arrays, ratio=2.0, policy=lambda members: 1 / 0).apply(self.arrays)

    def test_what_a_plan_says_agrees_with_itself(self):
        plan = lf.plan(self.arrays, ratio=2.0)
        account, parameters = plan.account, plan.parameters
        self.assertEqual(parameters["logical"], 10 * 8 * 6)
        self.assertEqual((account.candidates_logical, account.candidates_unique),
                         (parameters["logical"], parameters["unique"]))
        self.assertEqual(plan.ratio, parameters["logical"] / parameters["unique"])
        self.assertEqual(sum(f.saved_parameters for f in plan.fusions),
                         account.candidates_logical - account.candidates_unique)
        self.assertEqual(plan.fusions[-1].ratio, plan.ratio)
        scores = [f.score for f in plan.fusions]
        self.assertEqual(scores, sorted(scores))  # euclidean: the most alike first
        first = plan.fusions[0]
        self.within(first.score, np.linalg.norm(self.before[first.a] - self.before[first.b]),
                    1e-5)  # f32 sums of 48 squares: below 48 eps of the norm
        owners = plan.owners
        for group, kept in zip(plan.groups, plan.kept):
            self.assertEqual({owners[name] for name in group}, {kept})
        self.assertEqual(plan.options["metric"], "euclidean")

    def test_options_limit_what_fuses(self):
        names = lf.plan(self.arrays, top_k=1).layers
        self.assertEqual(len(names), 10)
        self.assertEqual(len(lf.plan(self.arrays, top_k=3).fusions), 3)
        out = lf.plan(self.arrays, top_k=100, exclude=["*.k.*"])
        self.assertTrue(all(".q." in f.a for f in out.fusions))
        self.assertTrue(all(len(g) <= 2 for g in lf.plan(self.arrays, top_k=9,
                                                         max_group=2).groups))
        forced = lf.plan(self.arrays, top_k=1, force="h.[04].q.weight")
        self.assertEqual(forced.groups, [["h.0.q.weight", "h.4.q.weight"]])
        self.assertEqual(lf.plan(self.arrays, threshold=0.0).fusions, [])

    def test_types_come_from_names_or_from_the_caller(self):
        arrays = {"layer1.0.conv1.w": drawn(4, 3), "layer1.0.conv2.w": drawn(4, 3, seed=1)}
        self.refused("no two arrays", lf.plan, arrays, ratio=1.5, status="LFUSE_ERR_NAME")
        for rule in ("digits", {name: "conv" for name in arrays}, lambda name: "conv"):
            self.assertEqual(len(lf.plan(arrays, ratio=1.5, type_rule=rule).groups), 1)

    def test_an_output_axis_is_that_of_a_glob(self):
        flipped = {name: array.T for name, array in self.arrays.items() if array.ndim == 2}
        straight = {name: array for name, array in self.arrays.items() if array.ndim == 2}
        a = lf.plan(flipped, ratio=2.0, metric="covariance", output_axis={"*": 1})
        b = lf.plan(straight, ratio=2.0, metric="covariance")
        self.assertEqual([(f.a, f.b) for f in a.fusions], [(f.a, f.b) for f in b.fusions])
        self.refused("no array matches 'x*'", lf.plan, flipped, ratio=2.0, output_axis={"x*": 1},
                     status="LFUSE_ERR_NAME")

    def test_files_are_read_back_to_the_bit(self):
        plan = lf.plan(self.arrays, ratio=2.0, metric="linear_cka")
        with self.folder() as path:
            plan.save(path("plan.json"))
            again = lf.Plan.load(path("plan.json"))
            self.assertEqual(again.to_json(), plan.to_json())
            self.assertEqual(lf.Plan.load(path("plan.json"), self.arrays).groups, plan.groups)
            self.refused("h.3.k.weight", lf.Plan.load, path("plan.json"), network(blocks=3),
                         status="LFUSE_ERR_NAME")
        wanted = plan.apply(self.arrays)
        for name, array in again.apply(self.arrays).items():
            self.equal(array, wanted[name])
        self.refused("the plan, byte 1", lf.Plan.from_json, "{", status="LFUSE_ERR_FORMAT", kind=lf.Error)

    def test_a_plan_is_the_commands_byte_for_byte(self):
        if not COMMAND:
            self.skipTest("the command was not built")
        with self.folder() as path:
            lf.save(path("net.safetensors"), self.arrays)
            for metric in ("euclidean", "covariance"):
                subprocess.run([COMMAND, "plan", path("net.safetensors"), "--ratio", "2",
                                "--metric", metric, "-o", path("plan.json")], check=True,
                               stdout=subprocess.DEVNULL)
                with open(path("plan.json"), encoding="utf-8") as file:
                    text = file.read()
                mine = lf.plan(self.arrays, ratio=2.0, metric=metric)
                self.assertEqual(text, mine.to_json())
            subprocess.run([COMMAND, "apply", path("net.safetensors"), path("plan.json"), "-o",
                            path("small.safetensors")], check=True, stdout=subprocess.DEVNULL)
            tied = mine.apply(self.arrays)
            for name, array in lf.load(path("small.safetensors")).items():
                self.equal(array, tied[name])

    def test_rows_are_shared_as_the_plan_says(self):
        plan = lf.plan(self.arrays, ratio=1.5, unit="row")
        tied = plan.apply(self.arrays)
        shared = 0
        for name in plan.layers:
            for row in range(8):
                owner, other = plan.row_owner(name, row)
                self.equal(tied[name][row], tied[owner][other])
                shared += (owner, other) != (name, row)
        self.assertGreater(shared, 0)
        self.assertEqual(plan.account.candidates_unique, (80 - shared) * 6)

    def test_units_are_put_in_order_first(self):
        order = np.random.default_rng(3).permutation(8)
        arrays = {}
        for i, units in enumerate((np.arange(8), order)):
            arrays["h.%d.mlp.up_proj.weight" % i] = drawn(8, 6)[units]
            arrays["h.%d.mlp.gate_proj.weight" % i] = drawn(8, 6, seed=1)[units]
            arrays["h.%d.mlp.down_proj.weight" % i] = drawn(6, 8, seed=2)[:, units]
        plan = lf.plan(arrays, ratio=2.0, align="permutation", couplings="llama")
        self.assertGreater(len(plan.permutations), 0)
        for place in (False, True):
            tied = plan.apply(arrays, inplace=place)
            up, down = (tied["h.1.mlp.%s_proj.weight" % name] for name in ("up", "down"))
            # the same units in another order: aligned, their mean is either of them
            self.equal(np.sort(up, 0), np.sort(drawn(8, 6), 0))
            self.within(up @ np.ones(6) @ down.T, drawn(8, 6) @ np.ones(6) @ drawn(6, 8, seed=2).T,
                        1e-4)

    def test_couplings_are_data(self):
        arrays = {"m.up": drawn(4, 3), "m.down": drawn(5, 4, seed=1)}
        spaces = [[{"tensor": "m.up", "axis": 0}, {"layer": "m.down", "parameter": "down", "axis": 1}]]
        couplings = lf.Couplings(spaces)
        self.assertEqual(couplings.spaces, [[{"tensor": "m.up"},
                                             {"layer": "m.down", "parameter": "down", "axis": 1}]])
        how = {"rule": lambda name: None}
        self.assertEqual(couplings.units(0, arrays, **how), 4)
        before, order = arrays["m.down"] @ arrays["m.up"], [2, 0, 3, 1]
        couplings.permute(0, order, arrays, **how)
        self.equal(arrays["m.up"], drawn(4, 3)[order])
        self.within(arrays["m.down"] @ arrays["m.up"], before, 4 * 2 * EPS32 * 20)  # other sums of 4
        self.refused("order is of shape (2,)", couplings.permute, 0, [1, 0], arrays,
                     status="LFUSE_ERR_SHAPE", **how)
        self.refused("either tensor, or parameter", lf.Couplings, [[{"axis": 0}]])
        with self.assertRaisesRegex(TypeError, "has no 'axes'"):
            lf.Couplings([[{"tensor": "m.up", "axes": 0}]])

    def test_what_cannot_be_planned_is_refused(self):
        arrays, refused = self.arrays, self.refused
        refused("neither ratio, top_k", lf.plan, arrays)
        refused("is out of reach", lf.plan, arrays, ratio=100.0, status="LFUSE_ERR_UNREACHABLE")
        refused("ratio is 'half', not a number", lf.plan, arrays, ratio="half")
        refused("policy mix is unknown", lf.plan, arrays, ratio=2.0, policy="mix")
        refused("no layer is named x*", lf.plan, arrays, ratio=2.0, exclude="x*",
                status="LFUSE_ERR_NAME")
        refused("couplings is 'resnet', neither one of", lf.plan, arrays, ratio=2.0,
                align="permutation", couplings="resnet", status="LFUSE_ERR_IO", kind=OSError)
        refused("heads is given without couplings", lf.plan, arrays, ratio=2.0, heads=2)
        refused("no two arrays", lf.plan, {}, ratio=2.0, status="LFUSE_ERR_NAME")
        refused("is of dtype complex64", lf.plan, {"h.0.w": np.zeros((2, 2), np.complex64),
                                                   "h.1.w": np.zeros((2, 2), np.complex64)},
                ratio=2.0, status="LFUSE_ERR_TYPE")
        with self.assertRaisesRegex(TypeError, "'ratoi'"):
            lf.plan(arrays, ratoi=2.0)

    def test_what_cannot_be_applied_is_refused(self):
        plan = lf.plan(self.arrays, ratio=2.0)
        self.refused("is not among the arrays", plan.apply, {}, status="LFUSE_ERR_NAME")
        other = dict(self.arrays, **{"h.0.q.weight": drawn(3, 3)})
        self.refused("h.0.q.weight", plan.apply, other, status="LFUSE_ERR_SHAPE")
        for array in self.arrays.values():
            array.flags.writeable = False
        self.refused("is read-only", plan.apply, self.arrays, inplace=True)
        self.assertEqual(len(plan.apply(self.arrays)), len(self.arrays))
        plan.close()
        self.refused("it was closed", plan.apply, self.arrays, status="LFUSE_ERR_STATE")

    def test_search_finds_a_ratio_and_leaves_the_arrays(self):
        def quality():
            return -sum(float(np.abs(array - self.before[name]).sum())
                        for name, array in self.arrays.items())

        plan, metric = lf.search_ratio(self.arrays, quality, 1e9, ratio=2.0)
        self.assertGreaterEqual(plan.ratio, 2.0)
        self.assertLess(metric, 0.0)
        self.assertEqual(quality(), 0.0)
        plan, metric = lf.search_ratio(self.arrays, quality, 0.0, ratio=2.0)
        self.assertEqual((plan.fusions, metric), ([], 0.0))
        with self.assertRaises(ZeroDivisionError):
            lf.search_ratio(self.arrays, lambda: 1 / 0, 0.0, ratio=2.0)

    def test_a_curve_bends_where_it_was_bent(self):
        x = np.arange(8.0)
        bend = lf.curve_inflection(x, np.where(x < 4, 1.0, 1.0 - (x - 4)))
        self.within([bend.x, bend.slope_before, bend.slope_after], [4, 0, -1], 1e-9)
        self.refused("x is of shape", lf.curve_inflection, x, x[:3], status="LFUSE_ERR_SHAPE")

    def test_outputs_are_compared_batch_by_batch(self):
        whole, parts = lf.CKA(2), [lf.CKA(2), lf.CKA(2)]
        for i in range(4):
            batch = [drawn(8, 5, seed=i), drawn(8, 3, 2, seed=9 + i)]
            whole.add(batch)
            parts[i % 2].add(batch)
        parts[0].merge(parts[1])
        self.assertEqual((whole.batches, parts[0].batches), (4, 4))
        self.within(parts[0].result(), whole.result(), 1e-12)
        again = lf.CKA(2)
        again.add_sums(whole.sums, whole.batches)
        self.equal(again.result(), whole.result())
        self.refused("outputs are 1", whole.add, [drawn(8, 5)], status="LFUSE_ERR_SHAPE")

    def test_outputs_get_the_moments_that_they_had(self):
        x, y = drawn(40, 3, 2), 0.25 * drawn(40, 3, 2, seed=1) + 1
        before, after, halves = lf.Outputs(3), lf.Outputs(3), lf.Outputs(3)
        before.add(x)
        after.add(y[:25])
        halves.add(y[25:])
        self.assertEqual(after.samples + halves.samples, 80)
        again = lf.Outputs(3)
        again.add_samples(halves.samples, halves.means, halves.squares)
        after.merge(again)
        exact = np.moveaxis(x.astype(np.float64), 1, 0).reshape(3, -1)
        self.within(before.means, exact.mean(1), 1e-12)  # f64 throughout
        self.within(before.squares / 80, exact.var(1), 1e-12)
        scale, shift, constant = after.match(before)
        put_right = np.moveaxis(y.astype(np.float64), 1, 0).reshape(3, -1) * scale[:, None] \
            + shift[:, None]
        self.within(put_right.mean(1), exact.mean(1), 1e-12)
        self.within(put_right.var(1), exact.var(1), 1e-12)
        self.assertEqual(constant, 0)
        self.refused("channels", after.add, drawn(4, 5), status="LFUSE_ERR_SHAPE")
        self.refused("there are 3 channels", after.add_samples, 1, [0.0], [0.0],
                     status="LFUSE_ERR_SHAPE")


if __name__ == "__main__":
    main()

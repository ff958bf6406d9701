"""test_retrainer.py - hooks around a loop: schedules, ties, callbacks, and calls out of order"""

import gc
import threading
import weakref

from common import Case, lf, main, network, np

RATE = 0.125


def given(seed=0):
    arrays = network(seed=seed)
    return arrays, {name: np.ones_like(array) for name, array in arrays.items()}


def train(r, epochs=1, fill=None):
    verdicts = []
    for _ in range(epochs):
        with r.step() as step:
            for gradient in fill or ():  # combining has written to them
                gradient[...] = 1.0
            step.combine_gradients()
            for p in r.parameters:
                p.value[...] -= RATE * p.gradient
        verdicts.append(r.end_epoch(1.0))
    return verdicts


class Retraining(Case):
    def test_members_are_one_and_are_stepped_once(self):
        for policy in ("average", "freeze", "random", "js"):
            for rebinds in (False, True):
                arrays, gradients = given()
                mine = dict(arrays)
                r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, fusions=2, policy=policy,
                                 rebind=(lambda layer, parameter, array:
                                         mine.update({layer: array})) if rebinds else None)
                r.fuse()
                self.assertEqual(train(r, 2), ["fused", "done"])
                self.assertGreaterEqual(r.account.ratio, 2.0)
                owners, now = r.owners, r.arrays
                for name, owner in owners.items():
                    self.equal(now[name], now[owner])
                    self.equal(mine[name], now[owner])
                    if rebinds and ".weight" in name:
                        self.assertIs(mine[name], mine[owner])
                names = [p.layer for p in r.parameters if p.role == "weight"]
                self.assertEqual(len(names), len(set(names)))
                self.assertFalse({n for n, o in owners.items() if n != o} & set(names))

    def test_a_step_moves_a_group_by_its_mean_gradient(self):
        arrays, gradients = given()
        before = {name: array.copy() for name, array in arrays.items()}
        r = lf.Retrainer(arrays, gradients=gradients, ratio=1.2)
        r.fuse()
        group = r.plan.groups[0]
        for i, name in enumerate(group):
            gradients[name][...] = i  # the mean is exact: few small integers
        shared = arrays[group[0]].copy()
        train(r)
        for name in group:
            self.equal(arrays[name], shared - np.float32(RATE * np.mean(range(len(group)))))
        alone = next(n for n, o in r.owners.items() if n == o and n not in r.plan.kept)
        self.equal(arrays[alone], before[alone] - np.float32(RATE))

    def test_steps_that_raise_are_aborted(self):
        arrays, gradients = given()
        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0)
        r.fuse()
        with self.assertRaises(KeyError):
            with r.step():
                raise KeyError("data")
        with self.assertRaisesRegex(lf.ArgumentError, "combine_gradients was expected"):
            with r.step():
                pass
        gradients["h.0.q.weight"][0, 0] = np.nan
        self.refused("not finite, in step 1", train, r, status="LFUSE_ERR_NOT_FINITE",
                     kind=lf.Error)
        gradients["h.0.q.weight"][0, 0] = 0.0
        self.assertEqual(train(r), ["done"])
        self.refused("end_epoch was called", r.end_epoch, 1.0, status="LFUSE_ERR_STATE")

    def test_what_costs_too_much_is_rolled_back(self):
        arrays, gradients = given()
        before = {name: array.copy() for name, array in arrays.items()}
        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, tolerance=0.1, baseline=1.0,
                         grace=1)
        r.fuse()
        self.assertFalse(all(np.array_equal(arrays[n], before[n]) for n in arrays))
        self.assertEqual(r.end_epoch(0.5), "rolled_back")
        for name, array in arrays.items():
            self.equal(array, before[name])
        self.refused("baseline is given", lf.Retrainer, arrays, ratio=2.0, baseline=1.0)

    def test_undo_is_bit_for_bit(self):
        arrays, gradients = given()
        before = {name: array.copy() for name, array in arrays.items()}
        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, keep_originals=True)
        r.fuse()
        r.undo()
        for name in r.plan.layers if r.plan else before:
            self.equal(arrays[name], before[name])
        self.assertIsNone(r.plan)

    def test_a_run_goes_on_from_a_file(self):
        for policy in ("average", "random"):
            arrays, gradients = given()
            again, others = given(seed=5)
            how = dict(ratio=2.0, fusions=2, interval=2, policy=policy)
            r = lf.Retrainer(arrays, gradients=gradients, **how)
            s = lf.Retrainer(again, gradients=others, **how)
            r.fuse()
            train(r, 1, gradients.values())
            with self.folder() as path:
                r.save(path("run"), b"where I was")
                self.assertEqual(s.load(path("run")), b"where I was")
                self.refused("has begun", r.load, path("run"), status="LFUSE_ERR_STATE")
            self.assertEqual(train(r, 3, gradients.values()), train(s, 3, others.values()))
            for name, array in r.arrays.items():
                self.equal(s.arrays[name], array)

    def test_callbacks_are_asked_and_what_they_raise_comes_out(self):
        asked = []
        arrays, gradients = given()
        before = {name: array.copy() for name, array in arrays.items()}
        how = dict(gradients=gradients, ratio=2.0)

        def schedule(fusion, fusions):
            asked.append((fusion, fusions))
            return 2.0

        def broken(*_):
            raise ZeroDivisionError

        lf.Retrainer(arrays, schedule=schedule, fusions=2, **how).fuse()
        self.assertEqual(asked, [(1, 2)])
        for name, array in before.items():
            arrays[name][...] = array
        for option in ("schedule", "repair", "rebind"):
            r = lf.Retrainer(arrays, **{option: broken}, **how)
            with self.assertRaises(ZeroDivisionError):
                r.fuse()
            for name, array in arrays.items():
                self.equal(array, before[name])
        self.refused("repair returned 3", lf.Retrainer(arrays, repair=lambda: 3, **how).fuse,
                     status="LFUSE_ERR_CALLBACK", kind=lf.Error)
        r = lf.Retrainer(arrays, **how)
        self.assertEqual(r.probe(2, lambda: 0.5), 0.5)
        with self.assertRaises(ZeroDivisionError):
            lf.Retrainer(arrays, **how).probe(2, broken)

    def test_it_goes_when_nobody_has_it(self):
        arrays, gradients = given()
        for name in ("random", "average"):
            r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, policy=name,
                             rebind=lambda *_: 0, repair=lambda: 0)
            seen = weakref.ref(r)
            del r
            gc.collect()
            self.assertIsNone(seen())

    def test_one_thread_at_a_time(self):
        arrays, gradients = given()
        inside, leave, refused = threading.Event(), threading.Event(), []

        def repair():
            inside.set()
            leave.wait(10)

        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, repair=repair)
        worker = threading.Thread(target=r.fuse)
        worker.start()
        inside.wait(10)
        try:
            r.begin_step()
        except lf.Error as error:
            refused.append(str(error))
        leave.set()
        worker.join()
        self.assertEqual(len(refused), 1)
        self.assertIn("another thread is in a call", refused[0])
        self.assertEqual(train(r), ["done"])

    def test_it_may_not_be_called_from_its_own_callbacks(self):
        arrays, gradients = given()
        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, repair=lambda: r.begin_step())
        self.refused("from a callback", r.fuse, status="LFUSE_ERR_STATE")

    def test_layers_may_be_said_in_full(self):
        def layer(i):
            weight, bias = (np.full(shape, float(i), np.float32) for shape in ((2, 3), (2,)))
            return lf.Layer("block%d" % i, "block", [
                lf.Parameter("weight", weight, np.ones_like(weight), [np.ones_like(weight)]),
                lf.Parameter("bias", bias, np.ones_like(bias), role="bias")], kind="linear")

        layers = [layer(i) for i in range(3)]
        r = lf.Retrainer(layers, ratio=1.5)
        r.fuse()
        self.assertEqual(len(r.plan.groups[0]), 2)
        self.assertEqual(sorted((p.name, len(p.state)) for p in r.parameters),
                         [("bias", 0)] * 3 + [("weight", 1)] * 2)
        self.refused("layers have their own", lf.Retrainer, layers, ratio=1.5, gradients={})

    def test_arrays_at_fault_are_named(self):
        arrays, gradients = given()
        arrays["h.1.q.weight"].flags.writeable = False
        self.refused("h.1.q.weight is read-only", lf.Retrainer, arrays, ratio=2.0)
        arrays, gradients = given()
        gradients["h.1.q.weight"] = np.ones((2, 2), np.float32)
        self.refused("h.1.q.weight", lf.Retrainer, arrays, gradients=gradients, ratio=2.0,
                     status="LFUSE_ERR_SHAPE")
        self.refused("gradients has nothing", lf.Retrainer, arrays,
                     gradients={"nothing": arrays["h.0.q.bias"]}, ratio=2.0,
                     status="LFUSE_ERR_NAME")
        r = lf.Retrainer(arrays, ratio=2.0)
        r.close()
        self.refused("it was closed", r.begin_step, status="LFUSE_ERR_STATE")


if __name__ == "__main__":
    main()

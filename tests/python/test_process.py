"""test_process.py - libraries that do not fit, forks, threads, signals and the end of a process"""

import os
import signal
import subprocess
import sys
import threading

from common import Case, drawn, lf, main, network, np

FAKES = os.environ.get("LAYERFUSE_FAKES")


def run(code, **environment):
    return subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True,
                          timeout=120, env=dict(os.environ, **environment), check=False)


class Libraries(Case):
    def refuses(self, path, *texts):
        done = run("try:\n import layerfuse\nexcept ImportError as error: print(error)",
                   LAYERFUSE_LIBRARY=path)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout)

    def test_one_that_is_not_there_is_named(self):
        self.refuses("/no/where.so", "/no/where.so cannot be loaded", "LAYERFUSE_LIBRARY")

    def test_others_are_refused_with_both_versions(self):
        if not FAKES:
            self.skipTest("no other libraries were built")
        for name, text in (("older", "layerfuse 0.0.9, older than this Python module"),
                           ("newer", "layerfuse 0.2.0, newer than this Python module"),
                           ("same", "has no lfuse_"), ("other", "is not layerfuse's library")):
            self.refuses(os.path.join(FAKES, "lib%s.so" % name), text, "lib%s.so" % name)


class Processes(Case):
    def forked(self, work):
        """What work returns in a child, or what it raises; a child that hangs is an error."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            try:
                text = str(work())
            except BaseException as error:
                text = "%s: %s" % (type(error).__name__, error)
            os.write(write, text.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        return text

    def test_a_forked_child_goes_on_with_the_default_context(self):
        a, b = drawn(4, 4), drawn(4, 4, seed=1)
        wanted = lf.similarity(a, b)
        self.assertEqual(self.forked(lambda: lf.similarity(a, b)), str(wanted))

    def test_threads_that_stayed_behind_are_an_error_in_the_child(self):
        context = lf.Context(threads=3)
        arrays = network()
        plan = lf.plan(arrays, ratio=2.0, context=context)
        for work in (lambda: lf.similarity_matrix(list(arrays.values())[::2], context=context),
                     lambda: plan.apply(arrays), lambda: plan.groups):
            self.assertIn("was forked from the one that made the context", self.forked(work))
        self.assertIn("Context(threads=3", self.forked(lambda: lf.Context(threads=3)))
        self.assertGreater(len(plan.apply(arrays)), 0)

    def test_a_forked_child_that_ends_as_usual_does_not_hang(self):
        done = run("import os, signal, numpy, layerfuse as lf\n"
                   "c = lf.Context(threads=3)\n"
                   "a = [numpy.ones((8, 8), 'f') * i for i in range(1, 5)]\n"
                   "lf.similarity_matrix(a, context=c)\n"
                   "child = os.fork()\n"
                   "signal.alarm(30)\n"
                   "if child: print(os.waitpid(child, 0)[1])\n")
        self.assertEqual((done.returncode, done.stdout), (0, "0\n"), done.stderr)

    def test_threads_share_contexts_and_plans(self):
        arrays, context = network(), lf.Context(threads=2)
        plan = lf.plan(arrays, ratio=2.0, context=context)
        wanted, failed = plan.apply(arrays), []

        def work():
            for _ in range(20):
                tied = plan.apply(arrays)
                if any(not np.array_equal(tied[name], wanted[name]) for name in wanted):
                    failed.append("another result")
                try:
                    lf.similarity(arrays["h.0.q.bias"], arrays["h.0.q.weight"])
                except lf.Error as error:
                    if error.name != "LFUSE_ERR_SHAPE":
                        failed.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])

    def test_ctrl_c_ends_a_long_call(self):
        done = run("import os, signal, threading, numpy, layerfuse as lf\n"
                   "w = [numpy.random.default_rng(i).standard_normal((96, 96)) for i in range(60)]\n"
                   "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
                   "try:\n"
                   "  while True: lf.similarity_matrix(w, 'wasserstein_assignment')\n"
                   "except KeyboardInterrupt: print('interrupted')\n")
        self.assertEqual((done.returncode, done.stdout), (0, "interrupted\n"), done.stderr)

    def test_everything_may_be_left_open_at_the_end(self):
        done = run("import numpy, layerfuse as lf\n"
                   "a = {'h.%d.w' % i: numpy.random.default_rng(i).standard_normal((4, 3))"
                   " for i in range(4)}\n"
                   "c = lf.Context(threads=2)\n"
                   "p = lf.plan(a, ratio=2.0, context=c)\n"
                   "r = lf.Retrainer(a, ratio=2.0, context=c, repair=lambda: 0)\n"
                   "r.fuse(); r.begin_step()\n"
                   "k, s = lf.CKA(2), lf.Couplings()\n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    main()

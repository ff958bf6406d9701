"""test_torch.py - modules of PyTorch: tied in place, trained on, and through files"""

import os
import subprocess
import sys

from common import EPS32, SOURCE, Case, lf, main, np, torch_or_skip

torch = torch_or_skip()
sys.path.insert(0, os.path.join(SOURCE, "examples", "python"))
from fuse_resnet import ResNet  # noqa: E402

nn, F = torch.nn, torch.nn.functional


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.c_fc, self.c_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        mask = torch.full((x.shape[1], x.shape[1]), float("-inf")).triu(1)
        h = self.ln_1(x)
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    """Pre-norm blocks, and an output that shares the embedding, as GPT-2 has it."""

    def __init__(self, tokens=13, width=16, blocks=4, heads=2):
        super().__init__()
        self.wte, self.ln_f = nn.Embedding(tokens, width), nn.LayerNorm(width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.lm_head = nn.Linear(width, tokens, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, x):
        x = self.wte(x)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


def loss_of(model):
    generator = torch.Generator().manual_seed(7)
    if isinstance(model, GPT):
        text = torch.arange(24).reshape(2, 12) % 13
        return F.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
    return F.cross_entropy(model(torch.randn(8, 1, 8, 8, generator=generator)), torch.arange(8))


def weight_of(model, layer):
    module = model.get_submodule(layer)
    return module.in_proj_weight if hasattr(module, "in_proj_weight") else module.weight


def count(model):
    return sum(p.numel() for p in model.parameters())


class Fusing(Case):
    def networks(self):
        torch.manual_seed(0)
        return ResNet(depth=3, widths=(4, 8)), GPT()

    def test_each_group_has_one_parameter_and_it_is_the_mean(self):
        for model in self.networks():
            before = {name: p.detach().clone() for name, p in model.named_parameters()}
            pointers = {p.data_ptr() for p in model.parameters()}
            total, tensors = count(model), len(list(model.parameters()))
            plan = lf.torch.fuse(model, ratio=1.8, metric="cosine")
            self.assertGreaterEqual(plan.ratio, 1.8)
            dropped = sum(len(group) - 1 for group in plan.groups)
            self.assertEqual(len(list(model.parameters())), tensors - dropped)
            self.assertEqual(total - count(model),
                             sum(f.saved_parameters for f in plan.fusions))
            for group, kept in zip(plan.groups, plan.kept):
                shared = weight_of(model, kept)
                self.assertIn(shared.data_ptr(), pointers)  # where it always was
                self.assertIsInstance(shared, nn.Parameter)
                mean = 0.0
                for name in group:
                    self.assertIs(weight_of(model, name), shared)
                    key = next(k for k in before if k.startswith(name + ".") and
                               before[k].shape == shared.shape)
                    mean = mean + before[key].double().numpy() / len(group)
                # a mean in f64, rounded once; this one has rounded len(group) times in f64
                self.within(shared.detach().numpy(), mean, 2 * EPS32 * np.abs(mean) + 1e-12)

    def test_it_trains_on_and_the_gradient_is_the_sum_over_all_places(self):
        for model in self.networks():
            plan = lf.torch.fuse(model, ratio=1.8, metric="cosine")
            optimizer = torch.optim.SGD(model.parameters(), 0.05)
            first = float(loss_of(model))
            for _ in range(8):
                optimizer.zero_grad()
                loss = loss_of(model)
                loss.backward()
                optimizer.step()
            self.assertLess(float(loss), first)
            group = plan.groups[0]
            self.assertIs(weight_of(model, group[0]), weight_of(model, group[-1]))
            model.eval()
            shared = weight_of(model, group[0])
            model.zero_grad()
            loss_of(model).backward()
            step = 1e-3 * torch.sign(shared.grad)
            with torch.no_grad():
                shared += step
                above = float(loss_of(model))
                shared -= 2 * step
                below = float(loss_of(model))
            slope = float((shared.grad * step).sum())
            # a central difference: the third derivative and f32's rounding of the loss are left
            self.assertAlmostEqual((above - below) / 2, slope, delta=0.05 * abs(slope) + 1e-5)

    def test_state_dicts_go_through_dedup_and_expand(self):
        for model in self.networks():
            plan = lf.torch.fuse(model, ratio=1.8, metric="cosine")
            model.eval()
            wanted = loss_of(model)
            with self.folder() as path:
                for mode in ("dedup", "expand"):
                    lf.torch.save(path(mode), model, mode=mode)
                    state = lf.torch.load(path(mode))
                    self.assertEqual(set(state), set(model.state_dict()))
                    for name, tensor in model.state_dict().items():
                        self.assertTrue(torch.equal(state[name], tensor), name)
                        self.assertEqual(state[name].dtype, tensor.dtype)
                    for fuses in (False, True):
                        fresh = type(model)() if isinstance(model, GPT) else ResNet(3, (4, 8))
                        if fuses:
                            lf.torch.fuse(fresh, plan=plan)
                        fresh.load_state_dict(state)
                        fresh.eval()
                        self.assertTrue(torch.equal(loss_of(fresh), wanted))
                        self.assertEqual(count(fresh) == count(model), fuses)
                saved = sum(f.saved_parameters for f in plan.fusions) * 4
                self.assertGreaterEqual(os.path.getsize(path("expand")) -
                                        os.path.getsize(path("dedup")), saved - 1024)

    def test_plans_of_files_and_of_modules_are_one(self):
        _, model = self.networks()
        plan = lf.torch.fuse(GPT(), ratio=1.8)
        tied = plan.apply(model.state_dict())
        with self.folder() as path:
            plan.save(path("plan"))
            lf.torch.fuse(model, plan=lf.Plan.load(path("plan")))
        for name, tensor in model.state_dict().items():
            self.assertTrue(torch.equal(tied[name], tensor), name)
            self.assertIsInstance(tied[name], torch.Tensor)
        of_state = lf.plan({k: v for k, v in GPT().state_dict().items() if "wte" not in k and
                            "lm_head" not in k}, ratio=1.8)
        other = GPT()
        lf.torch.fuse(other, plan=of_state)
        self.assertLess(count(other), count(GPT()))

    def test_an_optimizer_loses_what_is_dropped_and_keeps_the_rest(self):
        _, model = self.networks()
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(2):
            optimizer.zero_grad()
            loss_of(model).backward()
            optimizer.step()
        moments = {name: optimizer.state[weight_of(model, name)]["exp_avg"].clone()
                   for name, part in model.named_modules() if isinstance(part, nn.Linear)
                   and name != "lm_head"}
        plan = lf.torch.fuse(model, ratio=1.8, optimizer=optimizer)
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        self.assertEqual(held, {id(p) for p in model.parameters()})
        self.assertEqual({id(p) for p in optimizer.state}, held)
        group = next(g for g in plan.groups if g[0] in moments)
        mean = torch.stack([moments[name].double() for name in group]).mean(0)
        now = optimizer.state[weight_of(model, group[0])]["exp_avg"]
        self.within(now.numpy(), mean.numpy(), 2 * EPS32 * mean.abs().numpy() + 1e-12)
        loss_of(model).backward()
        optimizer.step()

    def test_it_may_be_fused_again_and_frozen(self):
        _, model = self.networks()
        lf.torch.fuse(model, ratio=1.3)
        small = count(model)
        plan = lf.torch.fuse(model, ratio=1.3, policy="freeze")
        self.assertLess(count(model), small)
        frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
        self.assertEqual(len(frozen), len(plan.groups))
        loss_of(model).backward()

    def test_every_policy_and_a_function(self):
        for policy in ("average", "random", "js", lambda members: members[0]):
            _, model = self.networks()
            plan = lf.torch.fuse(model, ratio=1.5, policy=policy)
            for group in plan.groups:
                self.assertIs(weight_of(model, group[0]), weight_of(model, group[1]))
            loss_of(model).backward()

    def test_units_are_put_in_order_before_they_are_averaged(self):
        model, _ = self.networks()
        one, two, order = model.layers[1], model.layers[2], torch.randperm(4)
        with torch.no_grad():
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(one.bn1, name).uniform_(1, 2)
            two.load_state_dict(one.state_dict())
            two.conv1.weight.copy_(one.conv1.weight[order])
            two.conv2.weight.copy_(one.conv2.weight[:, order])
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(two.bn1, name).copy_(getattr(one.bn1, name)[order])
        model.eval()
        before = float(loss_of(model))
        forced = ["layers.[12].conv1", "layers.[12].conv2"]
        plan = lf.torch.fuse(model, top_k=2, force=forced, align="permutation",
                             couplings="resnet-basic")
        self.assertEqual(len(plan.permutations), 1)  # the other stays as it is
        self.assertIs(one.conv1.weight, two.conv1.weight)
        self.assertTrue(torch.equal(one.bn1.running_mean, two.bn1.running_mean))
        # the mean of two equals, in another order of units: sums of f32 alone differ
        self.assertAlmostEqual(float(loss_of(model)), before, delta=1e-5)

    def test_types_are_the_callers_where_it_says_so(self):
        _, model = self.networks()
        plan = lf.torch.fuse(model, top_k=9, types=lambda name, part:
                             "any" if name.endswith("c_fc") else None)
        self.assertTrue(all(name.endswith("c_fc") for group in plan.groups for name in group))
        attention = lf.torch.layers(nn.ModuleList(nn.MultiheadAttention(4, 2, add_bias_kv=True)
                                                  for _ in range(2)), others=True)[0]
        self.assertEqual({p.name for p in attention.parameters if p.role == "weight"},
                         {"in_proj_weight"})
        kinds = {layer.param_type for layer in lf.torch.layers(GPT())}
        self.assertIn("h.*.attn [48x16]", kinds)
        self.assertEqual(len({layer.param_type for layer in lf.torch.layers(ResNet())
                              if layer.kind == "conv2d"}), 4)

    def test_tensors_are_read_in_place(self):
        a, b = torch.randn(4, 6), torch.randn(4, 6)
        wanted = lf.similarity(a.numpy(), b.numpy())
        self.assertEqual(lf.similarity(nn.Parameter(a), b.t().contiguous().t()), wanted)
        half = a.bfloat16()
        self.assertEqual(lf.similarity(half, half.float()), 0.0)
        with self.folder() as path:
            lf.torch.save(path("half"), {"half": half, "flag": torch.tensor([True, False])})
            state = lf.torch.load(path("half"))
            self.assertTrue(torch.equal(state["half"], half))
            self.assertTrue(torch.equal(state["flag"], torch.tensor([True, False])))

    def test_tensors_that_cannot_be_read_are_refused(self):
        good, kind = torch.ones(4, 4), "LFUSE_ERR_ARGUMENT"
        freed = torch.ones(4, 4)
        freed.storage().resize_(0)
        for text, bad, status in (
                ("a has no memory", freed, "LFUSE_ERR_STATE"),
                ("a cannot be read", torch.ones(4, 4, device="meta"), kind),
                ("a cannot be read", torch.ones(4, 4).to_sparse(), kind),
                ("a has a stride of 0", torch.ones(4, 1).expand(4, 4), kind),
                ("a is of dtype int64", torch.ones(4, 4, dtype=torch.int64), "LFUSE_ERR_TYPE")):
            with self.subTest(text):
                self.refused(text, lf.similarity, bad, good, status=status)

    def test_a_retrainer_sees_that_a_tensor_has_other_memory(self):
        weights = {"h.%d.w" % i: torch.randn(4, 3) for i in range(3)}
        r = lf.Retrainer(weights, gradients={n: torch.ones_like(w) for n, w in weights.items()},
                         ratio=1.5)
        r.fuse()
        with r.step() as step:
            step.combine_gradients()
            for p in r.parameters:
                p.value.sub_(0.1 * p.gradient)
        weights["h.1.w"].data = torch.zeros(4, 3)
        self.refused("h.1.w has other memory", r.begin_step, status="LFUSE_ERR_STATE")

    def test_what_cannot_be_fused_is_refused_and_nothing_has_changed(self):
        _, model = self.networks()
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.refused("is out of reach", lf.torch.fuse, model, ratio=100.0,
                     status="LFUSE_ERR_UNREACHABLE")
        self.refused("no convolution, linear or attention", lf.torch.fuse, nn.ReLU(), ratio=2.0)
        self.refused("rows cannot be tied", lf.torch.fuse, model, ratio=1.1, unit="row")
        with self.assertRaises(ZeroDivisionError):
            lf.torch.fuse(model, ratio=1.5, policy=lambda members: 1 / 0)
        with self.assertRaises(ZeroDivisionError):
            lf.torch.fuse(model, ratio=1.5, progress=lambda *_: 1 / 0)
        with self.assertRaisesRegex(TypeError, "either a plan or"):
            lf.torch.fuse(model, ratio=2.0, plan=lf.torch.fuse(GPT(), ratio=1.5))
        for name, p in model.named_parameters():
            self.assertTrue(torch.equal(p, before[name]))
        self.assertEqual(len(before), len(list(model.parameters())))


class Memory(Case):
    def test_planning_and_fusing_takes_no_copy(self):
        """200 MB, 1.1 times at most; the bench has it for 1 GB."""
        bench = os.path.join(SOURCE, "bench", "bench_python_memory.py")
        for metric in ("euclidean", "covariance"):
            done = subprocess.run([sys.executable, "-B", bench, "200", metric],
                                  capture_output=True, text=True, check=True, timeout=250)
            ratio = float(done.stdout.partition(" MB (")[2].partition(" times")[0])
            self.assertLess(ratio, 1.1, done.stdout)

    def test_the_example_runs(self):
        example = os.path.join(SOURCE, "examples", "python", "fuse_resnet.py")
        with self.folder() as path:
            done = subprocess.run([sys.executable, "-B", example, "--epochs", "1", "--images",
                                   "128", "--out", path("small")], capture_output=True,
                                  text=True, timeout=250, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        said = done.stdout.splitlines()
        self.assertEqual(said[-3].rpartition(": ")[2], said[-1].rpartition(": ")[2])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""fuse_resnet.py - trains a small ResNet of PyTorch, fuses it, trains it on, stores it

    examples/python/fuse_resnet.py [--ratio 2] [--epochs 3] [--out small.safetensors]

Images are drawn: stripes of ten directions, in noise. Nothing is fetched, and a run takes about
half a minute on one core.
"""

import argparse
import math
import os

import torch
from torch import nn
from torch.nn import functional as F

import layerfuse as lf


class Block(nn.Module):
    """Two convolutions and a shortcut, which takes every other pixel where the image shrinks."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.more)))


class ResNet(nn.Module):
    """He et al. 2016, sec. 4.2, with `depth` blocks of each width."""

    def __init__(self, depth=3, widths=(8, 16), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = (widths[0],) + tuple(widths)
        self.layers = nn.ModuleList(
            Block(before[i] if k == 0 else width, width, 2 if k == 0 and i > 0 else 1)
            for i, width in enumerate(widths) for k in range(depth))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for block in self.layers:
            x = block(x)
        return self.fc(x.mean((2, 3)))


def draw(count, seed, size=16):
    """Stripes at any place, of a direction that is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 10, (count,), generator=generator)
    angle = labels * math.pi / 10
    x = torch.linspace(-3, 3, size)
    along = (torch.cos(angle)[:, None, None] * x[None, None, :] +
             torch.sin(angle)[:, None, None] * x[None, :, None])
    place = torch.rand(count, 1, 1, generator=generator) * 6
    images = torch.sin(2.5 * along + place)
    noise = torch.randn(images.shape, generator=generator)
    return (images + noise).unsqueeze(1), labels


def train(model, optimizer, images, labels, epochs, batch=64):
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        return 100.0 * float((model(images).argmax(1) == labels).float().mean())


def main():
    parser = argparse.ArgumentParser(description="Fuses a small ResNet of PyTorch.")
    parser.add_argument("--ratio", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=3, help="before and after fusing")
    parser.add_argument("--images", type=int, default=2000, help="to train on")
    parser.add_argument("--out", default="small.safetensors")
    given = parser.parse_args()

    torch.manual_seed(0)
    images, labels = draw(given.images, 1)
    test = draw(1000, 2)
    model = ResNet()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4)
    train(model, optimizer, images, labels, given.epochs)
    count = sum(p.numel() for p in model.parameters())
    print("trained: %.1f %% right, %d parameters" % (accuracy(model, *test), count))

    plan = lf.torch.fuse(model, ratio=given.ratio, metric="linear_cka", optimizer=optimizer)
    count = sum(p.numel() for p in model.parameters())
    print("fused: %.1f %% right, %d parameters" % (accuracy(model, *test), count))
    for group in plan.groups:
        print("   ", ", ".join(group))

    train(model, optimizer, images, labels, given.epochs)
    print("trained on: %.1f %% right" % accuracy(model, *test))
    lf.torch.save(given.out, model)
    print("%s: %d bytes" % (given.out, os.path.getsize(given.out)))

    restored = ResNet()
    lf.torch.fuse(restored, plan=plan)  # shares what the file shares
    restored.load_state_dict(lf.torch.load(given.out))
    print("read back: %.1f %% right" % accuracy(restored, *test))


if __name__ == "__main__":
    main()

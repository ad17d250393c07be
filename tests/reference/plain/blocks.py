"""One block per network: graph convolution, temporal convolution, residual. ``[N, C, T, V]`` in and out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Over steps alone."""
    padding = (dilation * (kernel - 1) // 2, 0)
    return nn.Conv2d(inputs, outputs, (kernel, 1), (stride, 1), padding, (dilation, 1))


class ConvNorm(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv, self.bn = conv(inputs, outputs, kernel, stride, dilation), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


def down(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class Zero(nn.Module):
    def forward(self, x: Tensor) -> float:
        return 0.0


def residual(inputs: int, outputs: int, stride: int, first: bool) -> nn.Module:
    if first:
        return Zero()
    return nn.Identity() if inputs == outputs and stride == 1 else ConvNorm(inputs, outputs, 1, stride)


class STGCNBlock(nn.Module):
    """Yan et al.: the convolution gives the features of all parts, the graph spreads and sums them."""

    def __init__(self, inputs: int, outputs: int, stride: int, parts: Tensor, first: bool) -> None:
        super().__init__()
        self.gcn = nn.Module()
        self.gcn.conv = conv(inputs, len(parts) * outputs)
        self.tcn = nn.Sequential(
            nn.BatchNorm2d(outputs), nn.ReLU(), conv(outputs, outputs, 9, stride), nn.BatchNorm2d(outputs)
        )
        self.residual = Zero() if first else down(inputs, outputs, stride)

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        split = self.gcn.conv(x).unflatten(1, (len(graph), -1))
        return torch.relu(self.tcn(torch.einsum("nkctv,kvw->nctw", split, graph)) + self.residual(x))


class PysklSTGCNBlock(nn.Module):
    """The same with the graph in the block; ``plus``: ST-GCN++, whose graph learns and whose unit has a residual."""

    def __init__(self, inputs: int, outputs: int, stride: int, parts: Tensor, first: bool, plus: bool) -> None:
        super().__init__()
        self.gcn = nn.Module()
        if plus:
            self.gcn.A = nn.Parameter(parts.clone())
            self.gcn.down = down(inputs, outputs)
        else:
            self.gcn.PA = nn.Parameter(torch.ones_like(parts))
            self.gcn.register_buffer("A", parts.clone())
        self.gcn.bn = nn.BatchNorm2d(outputs)
        self.gcn.conv = conv(inputs, len(parts) * outputs)
        self.tcn = SixBranches(outputs, stride) if plus else ConvNorm(outputs, outputs, 9, stride)
        self.residual = residual(inputs, outputs, stride, first)
        self.plus = plus

    def forward(self, x: Tensor) -> Tensor:
        graph = self.gcn.A if self.plus else self.gcn.A * self.gcn.PA
        split = self.gcn.conv(x).unflatten(1, (len(graph), -1))
        y = self.gcn.bn(torch.einsum("nkctv,kvw->nctw", split, graph))
        y = torch.relu(y + self.gcn.down(x) if self.plus else y)
        return torch.relu(self.tcn(y) + self.residual(x))


class SixBranches(nn.Module):
    """Kernel 3 with dilations 1 to 4, max-pooling, none. With ``joints`` the mean over them joins as one more."""

    def __init__(self, width: int, stride: int, joints: int = 0) -> None:
        super().__init__()
        share = width // 6
        shares = [width - 5 * share, *[share] * 5]
        self.branches = nn.ModuleList(
            nn.Sequential(conv(width, own), nn.BatchNorm2d(own), nn.ReLU(), ConvAlone(own, stride, dilation))
            for own, dilation in zip(shares, (1, 2, 3, 4), strict=False)
        )
        pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        self.branches.append(nn.Sequential(conv(width, share), nn.BatchNorm2d(share), nn.ReLU(), pool))
        self.branches.append(conv(width, share, 1, stride))
        self.transform = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), conv(width, width))
        self.bn = nn.BatchNorm2d(width)
        self.add_coeff = nn.Parameter(torch.zeros(joints)) if joints else None

    def forward(self, x: Tensor) -> Tensor:
        if self.add_coeff is not None:
            x = torch.cat([x, x.mean(-1, keepdim=True)], -1)
        y = torch.cat([branch(x) for branch in self.branches], 1)
        if self.add_coeff is not None:
            y = y[..., :-1] + torch.einsum("nct,v->nctv", y[..., -1], self.add_coeff)
        return self.bn(self.transform(y))


class ConvAlone(nn.Module):
    def __init__(self, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = conv(width, width, 3, stride, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class AAGCNBlock(nn.Module):
    """Shi et al.: a graph that learns and one that compares joints over the clip; attention."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, parts: Tensor, first: bool, attention: bool = True
    ) -> None:
        super().__init__()
        self.gcn = AdaptiveGraph(inputs, outputs, parts, attention)
        self.tcn = ConvNorm(outputs, outputs, 9, stride)
        self.residual = residual(inputs, outputs, stride, first)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.tcn(self.gcn(x)) + self.residual(x))


class AdaptiveGraph(nn.Module):
    def __init__(self, inputs: int, outputs: int, parts: Tensor, attention: bool) -> None:
        super().__init__()
        count, joints, inner = len(parts), parts.shape[-1], outputs // 4
        self.A = nn.Parameter(parts.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.conv_d = nn.ModuleList(conv(inputs, outputs) for _ in range(count))
        self.conv_a = nn.ModuleList(conv(inputs, inner) for _ in range(count))
        self.conv_b = nn.ModuleList(conv(inputs, inner) for _ in range(count))
        self.attention = attention
        if attention:
            self.conv_ta = nn.Conv1d(outputs, 1, 9, padding=4)
            self.conv_sa = nn.Conv1d(outputs, 1, joints, padding=(joints - 1) // 2)
            self.fc1c, self.fc2c = nn.Linear(outputs, outputs // 2), nn.Linear(outputs // 2, outputs)
        self.down = down(inputs, outputs)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor | float = 0.0
        for k, fixed in enumerate(self.A):
            one, other = self.conv_a[k](x), self.conv_b[k](x)
            like = torch.einsum("nctv,nctw->nvw", one, other) / (one.shape[1] * one.shape[2])
            graph = fixed + self.alpha * torch.tanh(like)
            y = y + self.conv_d[k](torch.einsum("nctv,nvw->nctw", x, graph))
        y = torch.relu(self.bn(y) + self.down(x))
        if not self.attention:
            return y
        y = y * torch.sigmoid(self.conv_sa(y.mean(2))).unsqueeze(2) + y
        y = y * torch.sigmoid(self.conv_ta(y.mean(3))).unsqueeze(3) + y
        gate = torch.sigmoid(self.fc2c(torch.relu(self.fc1c(y.mean((2, 3))))))
        return y * gate[:, :, None, None] + y


class CTRGCNBlock(nn.Module):
    """Chen et al.: a graph for every channel. pyskl: the one who sends stands in the rows, and a ReLU more."""

    def __init__(self, inputs: int, outputs: int, stride: int, parts: Tensor, first: bool, transposed: bool) -> None:
        super().__init__()
        self.gcn1 = RefinedGraph(inputs, outputs, parts, transposed)
        self.tcn1 = FourBranches(outputs, stride)
        self.residual = residual(inputs, outputs, stride, first)
        self.transposed = transposed

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn1(self.gcn1(x))
        return torch.relu((torch.relu(y) if self.transposed else y) + self.residual(x))


class RefinedGraph(nn.Module):
    def __init__(self, inputs: int, outputs: int, parts: Tensor, transposed: bool) -> None:
        super().__init__()
        reduced = 8 if inputs in (3, 9) else inputs // 8
        self.graph = "A" if transposed else "PA"
        setattr(self, self.graph, nn.Parameter(parts.clone()))
        self.alpha = nn.Parameter(torch.zeros(1))
        self.convs = nn.ModuleList(nn.Module() for _ in parts)
        for part in self.convs:
            part.conv1, part.conv2 = conv(inputs, reduced), conv(inputs, reduced)
            part.conv3, part.conv4 = conv(inputs, outputs), conv(reduced, outputs)
        self.down = down(inputs, outputs)
        self.bn = nn.BatchNorm2d(outputs)
        self.transposed = transposed

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor | float = 0.0
        for part, fixed in zip(self.convs, getattr(self, self.graph), strict=True):
            one, other = part.conv1(x).mean(2), part.conv2(x).mean(2)
            refined = part.conv4(torch.tanh(one[..., :, None] - other[..., None, :])) * self.alpha + fixed
            spread = "ncvu,nctv->nctu" if self.transposed else "ncuv,nctv->nctu"
            y = y + torch.einsum(spread, refined, part.conv3(x))
        return torch.relu(self.bn(y) + self.down(x))


class FourBranches(nn.Module):
    """Kernel 5 with dilations 1 and 2, max-pooling, none; each with a batch norm of its own."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        own = width // 4
        self.branches = nn.ModuleList(
            nn.Sequential(conv(width, own), nn.BatchNorm2d(own), nn.ReLU(), ConvNorm(own, own, 5, stride, dilation))
            for dilation in (1, 2)
        )
        pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        self.branches.append(nn.Sequential(conv(width, own), nn.BatchNorm2d(own), nn.ReLU(), pool, nn.BatchNorm2d(own)))
        self.branches.append(nn.Sequential(conv(width, own, 1, stride), nn.BatchNorm2d(own)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class DGSTGCNBlock(nn.Module):
    """Duan et al.: groups of channels, each with a free graph and two that joints make by looking at each other."""

    def __init__(self, inputs: int, outputs: int, stride: int, joints: int, first: bool) -> None:
        super().__init__()
        self.gcn = DynamicGraph(inputs, outputs, joints)
        self.tcn = SixBranches(outputs, stride, joints)
        self.residual = residual(inputs, outputs, stride, first)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.tcn(self.gcn(x)) + self.residual(x))


class DynamicGraph(nn.Module):
    def __init__(self, inputs: int, outputs: int, joints: int, groups: int = 8) -> None:
        super().__init__()
        inner = outputs // groups
        self.A = nn.Parameter(torch.randn(groups, joints, joints) * 0.02 + 0.04)
        self.alpha, self.beta = nn.Parameter(torch.zeros(groups)), nn.Parameter(torch.zeros(groups))
        self.pre = nn.Sequential(conv(inputs, groups * inner), nn.BatchNorm2d(groups * inner), nn.ReLU())
        self.post = conv(groups * inner, outputs)
        self.conv1, self.conv2 = conv(inputs, groups * inner), conv(inputs, groups * inner)
        self.down = down(inputs, outputs)
        self.bn = nn.BatchNorm2d(outputs)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        before = self.pre(x).unflatten(1, (self.groups, -1))  # n k m t v
        mean = x.mean(2, keepdim=True)
        one, other = (layer(mean).squeeze(2).unflatten(1, (self.groups, -1)) for layer in (self.conv1, self.conv2))
        unlike = torch.tanh(one[..., :, None] - other[..., None, :])  # n k m v w
        like = torch.softmax(torch.einsum("nkmv,nkmw->nkvw", one, other), -2)[:, :, None]
        graph = self.A[:, None] + self.alpha[0] * unlike + self.beta[0] * like
        spread = torch.einsum("nkmtv,nkmvw->nkmtw", before, graph).flatten(1, 2)
        return torch.relu(self.bn(self.post(spread)) + self.down(x))

"""The network's parts: attention over a few narrow tokens, and how views and times are written."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

#: Periods, in seconds, of the waves in which time is written.
PERIODS = (0.15, 0.3, 0.6, 1.2, 2.4, 4.8)
#: Numbers in which a moment is written.
TIME_WAVES = 2 * len(PERIODS)

_ANGULAR = torch.tensor([2 * math.pi / period for period in PERIODS])
# The logit of what nobody looks at, in half precision too.
_UNSEEN = -3e4


class Attention(nn.Module):
    """Multi-head self-attention over few tokens.

    Written out, because general kernels spend their time elsewhere with so few and narrow tokens:
    heads are put in order by one copy.

    Args:
        width: of a token.
        heads: how many attend in parallel; divides the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        with torch.no_grad():
            # The usual scale of logits, once for all.
            self.into.weight[:width] *= (width // heads) ** -0.5

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens width"],
        seen: Float[Tensor, "batch tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens width"]:
        """Let tokens look at each other; at those whose ``seen`` is 0 nobody looks."""
        count, width = tokens.shape[1:]
        heads, each = self.heads, width // self.heads
        split = self.into(tokens).reshape(-1, count, 3, heads, each).permute(2, 0, 3, 1, 4)
        query, key, value = split.reshape(3, -1, count, each).unbind(0)
        logits = torch.bmm(query, key.transpose(1, 2))
        if seen is not None:
            unseen = seen.repeat_interleave(heads, 0)[:, None] == 0
            logits = logits.masked_fill(unseen, _UNSEEN)
        mixed = torch.bmm(logits.softmax(-1), value).reshape(-1, heads, count, each)
        return self.out(mixed.transpose(1, 2).reshape(-1, count, width))


class Block(nn.Module):
    """Attention across tokens, then a perceptron of each, both scaled and shifted from outside.

    Args:
        width: of a token.
        heads: of the attention.
        hidden: width of the perceptron's inside.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.perceptron = Perceptron(width, hidden, width)

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens width"],
        told: Sequence[Float[Tensor, "batch 1 width"]] | None = None,
        seen: Float[Tensor, "batch tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens width"]:
        """One layer.

        Args:
            tokens: what attends.
            told: shift and scale before the attention, and shift and scale before the perceptron.
            seen: as for :class:`Attention`.
        """
        first, second = ((None, None), (None, None)) if told is None else (told[:2], told[2:])
        tokens = tokens + self.attention(scaled(tokens, *first), seen)
        return tokens + self.perceptron(scaled(tokens, *second))


def scaled(
    tokens: Float[Tensor, "*batch width"],
    shift: Tensor | None = None,
    scale: Tensor | None = None,
) -> Float[Tensor, "*batch width"]:
    """Tokens brought to a length of 1, then shifted and scaled.

    A layer norm costs several times as much on tokens this narrow, and gains nothing.

    Args:
        tokens: any number of them.
        shift: 0 if None.
        scale: the square root of the width if None, for a mean square of 1.
    """
    unit = tokens / (torch.linalg.vector_norm(tokens, dim=-1, keepdim=True) + 1e-5)
    if shift is None or scale is None:
        return unit * tokens.shape[-1] ** 0.5
    return torch.addcmul(shift, unit, scale)


class Perceptron(nn.Module):
    """Linear layers with SiLU between them.

    Args:
        widths: of what goes in, of the insides, and of what comes out.
    """

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def forward(self, values: Float[Tensor, "*batch before"]) -> Float[Tensor, "*batch after"]:
        """What comes out."""
        first, *others = self.layers
        values = first(values)
        for layer in others:
            values = layer(silu(values))
        return values


def time_waves(seconds: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch waves"]:
    """Sines and cosines of real time, so that any frame rate is written alike."""
    angles = seconds[..., None] * _ANGULAR.to(seconds)
    return torch.cat([angles.sin(), angles.cos()], -1)


def view_waves(
    camera_relative: Float[Tensor, "*batch 3"], bands: int
) -> Float[Tensor, "*batch waves"]:
    """Fourier features of the direction in which a camera stands.

    Sines and cosines of 1 to ``bands`` times azimuth and elevation, 4 a band.

    Args:
        camera_relative: camera minus pelvis, heading axes (x left, y up, z front), any length.
        bands: how many multiples.
    """
    x, y, z = camera_relative.unbind(-1)
    # Straight above there is no azimuth, and must be no infinite derivative either.
    level = (x.square() + z.square() + 1e-6).sqrt()
    angles = torch.atan2(torch.stack([x, y], -1), torch.stack([z + 1e-6, level], -1))
    multiples = torch.arange(1, bands + 1, dtype=angles.dtype, device=angles.device)
    angles = (angles[..., None] * multiples).flatten(-2)
    return torch.cat([angles.sin(), angles.cos()], -1)

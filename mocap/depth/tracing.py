"""The network without Python: for what cannot hold a dataclass, and for speed."""

import warnings

import torch
from torch import Tensor, nn

from mocap.depth.features import JOINTS
from mocap.depth.network import DepthNetwork, Refinement


class PlainNetwork(nn.Module):
    """The network with a tuple for what it says: points, sigma, camera."""

    def __init__(self, network: DepthNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`mocap.depth.network.DepthNetwork.forward`."""
        refined = self.network(*given)
        return refined.xyz, refined.sigma, refined.camera_relative


class TracedNetwork:
    """The network's operations on windows of one length, recorded once and run without Python.

    About twice as quick for one pose, and by a quarter for many; recording takes a second or so.

    Args:
        network: the network, on whatever device.
        frames: of the windows.
    """

    def __init__(self, network: DepthNetwork, frames: int) -> None:
        device = next(network.parameters()).device
        given = [part.to(device) for part in example(frames, network.config.elevation)]
        with warnings.catch_warnings(), torch.no_grad():
            # Of branches on shapes, which stay as they are here.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(PlainNetwork(network).eval(), given, check_trace=False)
            self._run = torch.jit.freeze(traced.eval())

    def __call__(self, *given: Tensor) -> Refinement:
        """As the network's."""
        return Refinement(*self._run(*given))


def example(frames: int, elevation: bool = False) -> tuple[Tensor, ...]:
    """Windows of the shapes that the network takes: points, points, confidence and time.

    Args:
        frames: of a window.
        elevation: whether it is told that, too.
    """
    generator = torch.Generator().manual_seed(0)
    parts = (
        torch.randn(3, frames, JOINTS, 2, generator=generator),
        torch.randn(3, frames, JOINTS, 3, generator=generator),
        torch.rand(3, frames, JOINTS, generator=generator),
        torch.arange(3.0 * frames).reshape(3, frames),
    )
    return (*parts, torch.rand(3, frames, 2, generator=generator)) if elevation else parts

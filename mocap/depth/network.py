"""The network that puts depth right: sees the view in the pose, then each joint by all others."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mocap.depth.elevation import elevation_features, levelled, with_told_elevation
from mocap.depth.features import HIPS, JOINTS, Normalised, normalise
from mocap.depth.layers import TIME_WAVES, Block, Perceptron, scaled, time_waves, view_waves
from mocap.depth.viewpoint import VIEWPOINT_FEATURES, viewpoint_features

#: Bounds of what a joint's uncertainty can be, metres.
LEAST_SIGMA, MOST_SIGMA = 0.002, 2.0
_USUAL_SIGMA = 0.08
_USUAL_DISTANCE = 3.5
_USUAL_ELEVATION_SIGMA = 0.1


@dataclass(frozen=True)
class NetworkConfig:
    """What the network is made of; kept in its checkpoint.

    Attributes:
        frames: of a window; 1 for a single frame.
        rate: frames a second of the windows it is trained on, about; quicker tracks are thinned.
        width: of a joint's token.
        layers: of attention across joints.
        heads: of every attention.
        hidden: of a token's perceptron, in widths.
        pose_width: of what is known of a frame as a whole.
        bands: multiples of the view's angles it is told in.
        temporal: what attends over time in windows of several frames: ``"pose"``, the frame as a
            whole, before the joints; ``"joints"``, each joint for itself, after every layer; or
            ``"both"``.
        temporal_layers: of the frame as a whole.
        view_conditioning: whether joints are told the view, and their points levelled by it.
        viewpoint_features: whether the 15 hand-crafted features are looked at.
        elevation: whether it can be told how high the camera stands, where that is known.
    """

    frames: int = 1
    rate: float = 15.0
    width: int = 32
    layers: int = 4
    heads: int = 4
    hidden: int = 2
    pose_width: int = 156
    bands: int = 4
    temporal: str = "pose"
    temporal_layers: int = 2
    view_conditioning: bool = True
    viewpoint_features: bool = True
    elevation: bool = False

    def __post_init__(self) -> None:
        if self.temporal not in ("pose", "joints", "both"):
            raise ValueError(f"temporal is {self.temporal!r}, not 'pose', 'joints' or 'both'")
        if min(self.frames, self.layers, self.heads) < 1:
            raise ValueError("frames, layers and heads start at 1")
        if self.width % self.heads or self.pose_width % self.heads:
            raise ValueError("width and pose_width must be multiples of heads")
        if not self.rate > 0:
            raise ValueError("rate must be positive")

    @property
    def poses_look_back(self) -> bool:
        """Whether frames as a whole attend to others."""
        return self.frames > 1 and self.temporal in ("pose", "both")

    @property
    def joints_look_back(self) -> bool:
        """Whether joints attend to themselves in other frames."""
        return self.frames > 1 and self.temporal in ("joints", "both")


@dataclass(frozen=True)
class Refinement:
    """What the network says of a batch of windows.

    Attributes:
        xyz: refined points, metres from the hips' middle, facing axes (x right, y down, z away).
        sigma: how far each is off: the root mean square of the distance to be expected, metres.
        camera_relative: camera minus hips' middle, metres, in the person's heading axes: x to its
            left, y up, z to its front.
    """

    xyz: Float[Tensor, "batch frames 17 3"]
    sigma: Float[Tensor, "batch frames 17"]
    camera_relative: Float[Tensor, "batch frames 3"]

    @property
    def azimuth(self) -> Float[Tensor, "batch frames"]:
        """Radians: 0 for a camera in front, positive to the person's left."""
        x, _, z = self.camera_relative.unbind(-1)
        return torch.atan2(x, z)

    @property
    def elevation(self) -> Float[Tensor, "batch frames"]:
        """Radians: 0 for a camera at the height of the hips, positive above."""
        x, y, z = self.camera_relative.unbind(-1)
        return torch.atan2(y, torch.hypot(x, z))


class DepthNetwork(nn.Module):
    """Refines windows of one person's poses.

    A frame's 2D points and viewpoint features are encoded as a whole; from that, the raw 3D and
    what is told of the elevation follows where the camera stands. Each joint's token knows its own
    points, levelled by the camera's elevation as well, and what the frame says to it, is told the
    view, and attends to the others. What comes out is added to the raw 3D.

    Args:
        config: sizes and switches.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        width, pose = config.width, config.pose_width
        features = len(VIEWPOINT_FEATURES) if config.viewpoint_features else 0
        self.encode_2d = Perceptron(3 * JOINTS + 2 + features, pose, pose)
        self.encode_3d = Perceptron(4 * JOINTS, pose // 2, pose // 2)
        self.join = Perceptron(pose + pose // 2 + 3 * config.elevation, pose)
        self.over_time = nn.ModuleList()
        self.joints_over_time = nn.ModuleList()
        if config.poses_look_back:
            self.tell_time = nn.Linear(TIME_WAVES, pose)
            self.over_time.extend(
                Block(pose, config.heads, pose) for _ in range(config.temporal_layers)
            )
        if config.joints_look_back:
            self.tell_joints_time = nn.Linear(TIME_WAVES, width)
            self.joints_over_time.extend(
                Block(width, config.heads, width) for _ in range(config.layers)
            )
        self.camera = Perceptron(pose, pose // 2, 4)
        if config.elevation:
            # How far off the elevation of the place is, which has heard what is told: radians.
            self.own_log_sigma = nn.Parameter(torch.tensor([_USUAL_ELEVATION_SIGMA]).log())
        self.tokens = nn.Linear(9 if config.view_conditioning else 7, width)
        self.names = nn.Parameter(0.02 * torch.randn(JOINTS, width))
        self.share = nn.Linear(pose, JOINTS * width)
        if config.view_conditioning:
            self.tell_view = nn.Linear(4 * config.bands, config.layers * 4 * width)
            nn.init.zeros_(self.tell_view.weight)
            # Shifts of 0, and scales for a mean square of 1.
            usual = torch.tensor([0.0, width**0.5, 0.0, width**0.5]).repeat(config.layers)
            self.tell_view.bias.data.copy_(usual.repeat_interleave(width))
        self.blocks = nn.ModuleList(
            Block(width, config.heads, config.hidden * width) for _ in range(config.layers)
        )
        self.read = nn.Parameter(1e-3 * torch.randn(JOINTS, width, 4))
        self.read_bias = nn.Parameter(torch.zeros(JOINTS, 1, 4))
        self.unseen = nn.Parameter(torch.full((JOINTS,), -2.0))

    def forward(
        self,
        xy: Float[Tensor, "batch frames 17 2"],
        xyz: Float[Tensor, "batch frames 17 3"],
        confidence: Float[Tensor, "batch frames 17"],
        time: Float[Tensor, "batch frames"],
        elevation: Float[Tensor, "batch frames 2"] | None = None,
    ) -> Refinement:
        """Refine a batch of windows of one person each.

        Args:
            xy: pixels of any picture, y down; NaN where missing.
            xyz: the detector's metres from the hips' middle, facing axes; NaN where missing.
            confidence: in [0, 1]; 0 where missing.
            time: seconds, from any moment on.
            elevation: the camera's, as seen from the hips, and its standard deviation, radians;
                NaN or None where unknown. Networks that cannot be told ignore it.

        Returns:
            Numbers everywhere; those of frames in which nothing was seen mean little.
        """
        given = normalise(xy, xyz, confidence, time)
        if elevation is None:
            elevation = torch.full_like(given.centre, torch.nan)
        pose = self._pose(given, elevation)
        camera = _camera_place(self.camera(pose))
        if self.config.elevation:
            camera = with_told_elevation(camera, elevation, self.own_log_sigma.exp())
        tokens = self._tokens(given, pose, camera)
        told = self._told(camera)
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, told[4 * number : 4 * number + 4] if told else None)
            if self.config.joints_look_back:
                tokens = self._joints_over_time(self.joints_over_time[number], tokens, given)
        read = torch.baddbmm(self.read_bias, scaled(tokens).transpose(0, 1), self.read)
        read = read.transpose(0, 1).unflatten(0, given.time.shape)
        return Refinement(_centred(given.xyz + read[..., :3]), self._sigma(read, given), camera)

    def _pose(self, given: Normalised, elevation: Tensor) -> Float[Tensor, "batch frames pose"]:
        """Each frame as a whole, knowing the others of its window if there are any."""
        flat = [given.xy.flatten(2), given.confidence_2d, given.centre]
        if self.config.viewpoint_features:
            flat.append(viewpoint_features(given.xy, given.confidence_2d))
        deep = torch.cat([given.xyz.flatten(2), given.confidence_3d], -1)
        encoded = [self.encode_2d(torch.cat(flat, -1)), self.encode_3d(deep)]
        known = [nn.functional.silu(torch.cat(encoded, -1))]
        if self.config.elevation:
            known.append(elevation_features(elevation))
        pose = self.join(torch.cat(known, -1))
        if self.config.poses_look_back:
            pose = pose + self.tell_time(time_waves(given.time))
            for block in self.over_time:
                pose = block(pose, None, given.seen)
        return pose

    def _tokens(
        self, given: Normalised, pose: Tensor, camera: Tensor
    ) -> Float[Tensor, "poses 17 width"]:
        own = [
            given.xy,
            given.confidence_2d[..., None],
            given.xyz,
            given.confidence_3d[..., None],
        ]
        if self.config.view_conditioning:
            own.append(levelled(given.xyz, camera))
        share = self.share(nn.functional.silu(pose)).unflatten(-1, (JOINTS, self.config.width))
        return (self.tokens(torch.cat(own, -1)) + share + self.names).flatten(0, 1)

    def _told(self, camera: Tensor) -> tuple[Float[Tensor, "poses 1 width"], ...]:
        """Shifts and scales by which the layers are told the view, four each."""
        if not self.config.view_conditioning:
            return ()
        told = self.tell_view(view_waves(camera, self.config.bands).flatten(0, 1))
        return told.unflatten(-1, (4 * self.config.layers, 1, self.config.width)).unbind(1)

    def _joints_over_time(self, block: nn.Module, tokens: Tensor, given: Normalised) -> Tensor:
        """Every joint's tokens of a window attend to each other."""
        frames = given.seen.shape[1]
        waves = self.tell_joints_time(time_waves(given.time))[:, :, None]
        tracks = (tokens.unflatten(0, (-1, frames)) + waves).transpose(1, 2).flatten(0, 1)
        tracks = block(tracks, None, given.seen.repeat_interleave(JOINTS, 0))
        return tracks.unflatten(0, (-1, JOINTS)).transpose(1, 2).flatten(0, 1)

    def _sigma(self, read: Tensor, given: Normalised) -> Tensor:
        missing = (given.confidence_2d + given.confidence_3d) == 0
        sigma = _USUAL_SIGMA * read[..., 3].clamp(-4, 4).exp()
        # A joint that nobody saw is worse than the same joint seen, however sure the rest is.
        sigma = sigma + missing * nn.functional.softplus(self.unseen)
        return sigma.clamp(LEAST_SIGMA, MOST_SIGMA)


def _camera_place(told: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3"]:
    """A direction, of whatever length, and the logarithm of a distance, as a place in metres."""
    direction = told[..., :3]
    distance = _USUAL_DISTANCE * told[..., 3:].clamp(-3, 3).exp()
    return nn.functional.normalize(direction, dim=-1, eps=1e-6) * distance


def _centred(xyz: Tensor) -> Tensor:
    left, right = HIPS
    return xyz - 0.5 * (xyz[..., left : left + 1, :] + xyz[..., right : right + 1, :])

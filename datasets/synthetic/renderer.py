"""Off-screen pictures of a clothed body over a backdrop, by OpenGL.

A picture is drawn of what a square crop of the camera's image would show, so that small people in
large images cost no more than large ones. Lighting is one sun and a sky; the body throws its
shadow on the floor. Software rendering (llvmpipe over EGL) suffices: without multisampling, which
costs it more than all else, a picture takes a few milliseconds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from mocap.datasets.synthetic.room import CORNERS, Room, corners
from mocap.datasets.synthetic.shaders import (
    BACKDROP_FRAGMENT,
    BACKDROP_VERTEX,
    BODY_FRAGMENT,
    BODY_VERTEX,
    ROOM_FRAGMENT,
    ROOM_VERTEX,
    SHADOW_FRAGMENT,
)
from mocap.errors import MocapError

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Look:
    """What does not change from frame to frame about somebody's looks.

    Attributes:
        colours: (V, 3) of skin, hair and clothes, 0 to 1.
        cloth: (V,) how much of the clothes' pattern a vertex shows.
        rest: (V, 3) where the vertices are at rest, metres: what patterns are woven along.
        pattern: (3,) spatial frequency of the pattern, 1/m.
        second: (3,) its other colour.
        contrast: of the pattern, 0 to 1.
    """

    colours: Float[np.ndarray, "vertices 3"]
    cloth: Float[np.ndarray, " vertices"]
    rest: Float[np.ndarray, "vertices 3"]
    pattern: Float[np.ndarray, "3"]
    second: Float[np.ndarray, "3"]
    contrast: float


@dataclass(frozen=True)
class Lighting:
    """Where light comes from.

    Attributes:
        sun: (3,) unit vector towards it, world.
        sunlight: (3,) its colour and strength.
        sky: (3,) light from above.
        ground: (3,) light from below.
        shadow: how dark the shadow on the floor is, 0 to 1.
        floor: height of the floor, world metres.
    """

    sun: Float[np.ndarray, "3"]
    sunlight: Float[np.ndarray, "3"]
    sky: Float[np.ndarray, "3"]
    ground: Float[np.ndarray, "3"]
    shadow: float
    floor: float


class Renderer:
    """Draws one body at a time; keeps an OpenGL context, so it belongs to one thread.

    Args:
        faces: (F, 3) triangles, counter-clockwise from outside.
        side: of the pictures, pixels.

    Raises:
        MocapError: there is no OpenGL to be had.
    """

    def __init__(self, faces: Int[np.ndarray, "faces 3"], side: int = 256) -> None:
        try:
            import moderngl
        except ImportError as error:
            raise MocapError(
                "rendering needs moderngl: pip install 'mocap-toolkit[train]'"
            ) from error
        self.side = side
        self._gl: Any = _context(moderngl)
        gl, self._mode = self._gl, moderngl
        self._body = gl.program(vertex_shader=BODY_VERTEX, fragment_shader=BODY_FRAGMENT)
        self._shade = gl.program(vertex_shader=BODY_VERTEX, fragment_shader=SHADOW_FRAGMENT)
        self._behind = gl.program(vertex_shader=BACKDROP_VERTEX, fragment_shader=BACKDROP_FRAGMENT)
        square = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
        self._quad = gl.vertex_array(self._behind, [(gl.buffer(square), "2f", "corner")])
        vertices = int(faces.max()) + 1
        self._moving = gl.buffer(reserve=vertices * 6 * 4, dynamic=True)
        self._fixed = gl.buffer(reserve=vertices * 7 * 4, dynamic=True)
        index = gl.buffer(faces.astype(np.int32))
        self._mesh = gl.vertex_array(
            self._body,
            [
                (self._moving, "3f 3f", "place", "normal"),
                (self._fixed, "3f 3f 1f", "colour", "rest", "cloth"),
            ],
            index,
        )
        self._cast = gl.vertex_array(self._shade, [(self._moving, "3f 12x", "place")], index)
        self._room_look = gl.program(vertex_shader=ROOM_VERTEX, fragment_shader=ROOM_FRAGMENT)
        self._room_points = gl.buffer(reserve=CORNERS * 6 * 4, dynamic=True)
        self._room = gl.vertex_array(
            self._room_look, [(self._room_points, "3f 2f 1f", "place", "spot", "side")]
        )
        self._has_room = False
        self._texture: Any = None
        self._target = gl.framebuffer(
            [gl.renderbuffer((side, side), 4)], gl.depth_renderbuffer((side, side))
        )

    def dress(
        self, look: Look, lighting: Lighting, backdrop: Image, room: Room | None = None
    ) -> None:
        """Set what the next pictures have in common.

        Args:
            look: of the body.
            lighting: of body and floor.
            backdrop: what is behind the body, or what floor and walls look like.
            room: where the body stands; before a backdrop without depth if None.
        """
        self._has_room = room is not None
        if room is not None:
            self._room_points.write(corners(room))
            walls = self._room_look
            walls["floor_tint"], walls["wall_tint"] = tuple(room.floor_tint), tuple(room.wall_tint)
            walls["tiles"], walls["grout"] = room.tiles, room.grout
            walls["light"] = 1.0 - lighting.shadow
        height, width = backdrop.shape[:2]
        if self._texture is not None:
            self._texture.release()
        self._texture = self._gl.texture((width, height), 3, np.ascontiguousarray(backdrop))
        self._texture.repeat_x = self._texture.repeat_y = True
        fixed = np.concatenate([look.colours, look.rest, look.cloth[:, None]], 1)
        self._fixed.write(np.ascontiguousarray(fixed, np.float32))
        body = self._body
        body["pattern"], body["second"] = tuple(look.pattern), tuple(look.second)
        body["contrast"] = look.contrast
        body["sun"], body["sunlight"] = tuple(lighting.sun), tuple(lighting.sunlight)
        body["sky"], body["ground"] = tuple(lighting.sky), tuple(lighting.ground)
        self._behind["light"] = 1.0 - lighting.shadow
        self._shade["flatten"].write(_flattening(lighting).T.astype(np.float32).tobytes())
        body["flatten"].write(np.eye(4, dtype=np.float32).tobytes())

    def draw(
        self,
        vertices: Float[np.ndarray, "vertices 3"],
        normals: Float[np.ndarray, "vertices 3"],
        K: Float[np.ndarray, "3 3"],
        R: Float[np.ndarray, "3 3"],
        t: Float[np.ndarray, "3"],
        window: tuple[float, float, float] = (0.0, 0.0, 1.0),
    ) -> Image:
        """One picture.

        Args:
            vertices: of the body, world metres.
            normals: theirs, world.
            K: intrinsics of the picture that is drawn, pixels: the crop's.
            R: world to camera.
            t: world to camera, metres.
            window: the part of the backdrop that is seen: left and upper border and side, as
                shares of the backdrop's.
        """
        gl, moderngl = self._gl, self._mode
        moving = np.concatenate([vertices, normals], 1).astype(np.float32)
        self._moving.write(np.ascontiguousarray(moving))
        projection = _projection(K, R, t, self.side).T.astype(np.float32).tobytes()
        self._body["projection"].write(projection)
        self._shade["projection"].write(projection)
        self._behind["window"] = window
        self._target.use()
        self._target.clear(depth=1.0)
        self._texture.use()
        gl.disable(moderngl.DEPTH_TEST | moderngl.BLEND | moderngl.CULL_FACE)
        self._quad.render(moderngl.TRIANGLE_STRIP)
        if self._has_room:
            self._room_look["projection"].write(projection)
            # From inside, every ray meets one wall or the floor: there is nothing to sort.
            self._room.render(moderngl.TRIANGLES)
        # The backdrop's alpha is how light a shadow leaves it; whoever has taken it sets it to 1,
        # so that a shadow is dark once, however many triangles it is made of.
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ZERO, moderngl.DST_ALPHA, moderngl.ONE, moderngl.ZERO
        self._cast.render()
        gl.disable(moderngl.BLEND)
        gl.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._mesh.render()
        read = np.frombuffer(self._target.read(components=3, alignment=1), np.uint8)
        return np.ascontiguousarray(read.reshape(self.side, self.side, 3)[::-1])

    def close(self) -> None:
        """Give the context back."""
        self._gl.release()


def _context(moderngl: Any) -> Any:
    try:
        return moderngl.create_context(standalone=True, backend="egl")
    except Exception:  # noqa: BLE001 - the library raises bare Exceptions
        pass
    try:
        return moderngl.create_context(standalone=True)
    except Exception as error:
        raise MocapError(
            f"no OpenGL for drawing off screen ({error}); on Debian and Ubuntu: "
            "apt-get install libegl1 libgl1-mesa-dri"
        ) from error


def _projection(K: np.ndarray, R: np.ndarray, t: np.ndarray, side: int) -> np.ndarray:
    """World to OpenGL's clip space for a picture of ``side`` pixels, depths 0.1 to 60 m."""
    near, far = 0.1, 60.0
    clip = np.zeros((4, 4))
    clip[0, :3] = 2 * K[0] / side
    clip[0, 2] -= 1.0
    clip[1, :3] = -2 * K[1] / side
    clip[1, 2] += 1.0
    clip[2, 2:] = (far + near) / (far - near), -2 * far * near / (far - near)
    clip[3, 2] = 1.0
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = R, t
    return clip @ pose


def _flattening(lighting: Lighting) -> np.ndarray:
    """What presses the body onto the floor along the sun's rays."""
    flat = np.eye(4)
    slope = lighting.sun / max(float(lighting.sun[1]), 0.2)
    flat[:3, 1] -= slope
    flat[:3, 3] = slope * lighting.floor
    flat[1] = 0.0, 0.0, 0.0, lighting.floor
    return flat

"""What the graphics card, or the processor in its place, does for every vertex and pixel: GLSL."""

BODY_VERTEX = """
#version 330
uniform mat4 projection;
uniform mat4 flatten;
in vec3 place;
in vec3 normal;
in vec3 colour;
in vec3 rest;
in float cloth;
out vec3 facing;
out vec3 dye;
out vec3 weave;
out float woven;
void main() {
    gl_Position = projection * (flatten * vec4(place, 1.0));
    facing = normal;
    dye = colour;
    weave = rest;
    woven = cloth;
}
"""

BODY_FRAGMENT = """
#version 330
uniform vec3 sun;
uniform vec3 sunlight;
uniform vec3 sky;
uniform vec3 ground;
uniform vec3 pattern;
uniform vec3 second;
uniform float contrast;
in vec3 facing;
in vec3 dye;
in vec3 weave;
in float woven;
out vec4 picture;
void main() {
    vec3 n = normalize(facing);
    float stripes = sin(dot(weave, pattern)) * sin(dot(weave.zxy, pattern.yzx) * 0.7);
    vec3 base = mix(dye, second, woven * contrast * smoothstep(0.0, 0.3, stripes));
    vec3 light = mix(ground, sky, 0.5 + 0.5 * n.y) + sunlight * max(dot(n, sun), 0.0);
    picture = vec4(base * light, 1.0);
}
"""

ROOM_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 place;
in vec2 spot;
in float side;
out vec2 at;
out float wall;
out vec3 here;
void main() {
    gl_Position = projection * vec4(place, 1.0);
    at = spot;
    wall = side;
    here = place;
}
"""

ROOM_FRAGMENT = """
#version 330
uniform sampler2D image;
uniform vec3 floor_tint;
uniform vec3 wall_tint;
uniform float tiles;
uniform float grout;
uniform float light;
in vec2 at;
in float wall;
in vec3 here;
out vec4 picture;
void main() {
    vec2 cell = abs(fract(at * tiles) - 0.5);
    vec2 soft = fwidth(at * tiles) + 0.02;
    vec2 line = smoothstep(0.5 - soft, vec2(0.5), cell);
    // Joints thinner than a pixel fade, as they do in a lens.
    float seam = max(line.x, line.y) * grout * clamp(0.3 / max(soft.x, soft.y), 0.0, 1.0);
    vec3 tint = mix(floor_tint, wall_tint, wall);
    vec3 shade = texture(image, at * 0.13).rgb;
    vec3 colour = tint * (0.55 + 0.9 * shade) * (1.0 - seam);
    picture = vec4(colour, wall > 0.5 ? 1.0 : light);
}
"""

SHADOW_FRAGMENT = """
#version 330
out vec4 picture;
void main() { picture = vec4(0.0, 0.0, 0.0, 1.0); }
"""

BACKDROP_VERTEX = """
#version 330
uniform vec3 window;
in vec2 corner;
out vec2 at;
void main() {
    gl_Position = vec4(corner, 0.0, 1.0);
    at = window.xy + window.z * vec2(0.5 + 0.5 * corner.x, 0.5 - 0.5 * corner.y);
}
"""

BACKDROP_FRAGMENT = """
#version 330
uniform sampler2D image;
uniform float light;
in vec2 at;
out vec4 picture;
void main() { picture = vec4(texture(image, at).rgb, light); }
"""

"""People's motion on humanoid robots: any MJCF or URDF, limits and contacts kept, and a report.

``retarget(motions, read_robot("g1"))`` gives trajectories; what of the robot is what of a person
is worked out from its model, and can be written, corrected and read again.
"""

from mocap.retarget.correspondence import Correspondence, Limit, calmed, correspondence_of
from mocap.retarget.correspondence_file import read_correspondence, write_correspondence
from mocap.retarget.human import HumanMotion, human_motion, human_of_person
from mocap.retarget.kinematics import Pose, Posed, body_velocities, pose_robot
from mocap.retarget.names import robot_file
from mocap.retarget.page import write_page
from mocap.retarget.playing import play
from mocap.retarget.reading import read_robot
from mocap.retarget.report import RobotReport, robot_report
from mocap.retarget.retargeting import RetargetConfig, prepared, retarget
from mocap.retarget.robot import Robot
from mocap.retarget.showing import film
from mocap.retarget.solver import SolverConfig
from mocap.retarget.trajectory import Trajectory, of_one_sign

__all__ = [
    "Correspondence",
    "HumanMotion",
    "Limit",
    "Pose",
    "Posed",
    "RetargetConfig",
    "Robot",
    "RobotReport",
    "SolverConfig",
    "Trajectory",
    "body_velocities",
    "calmed",
    "correspondence_of",
    "film",
    "human_motion",
    "human_of_person",
    "of_one_sign",
    "play",
    "pose_robot",
    "prepared",
    "read_correspondence",
    "read_robot",
    "retarget",
    "robot_file",
    "robot_report",
    "write_correspondence",
    "write_page",
]

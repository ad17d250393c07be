"""What turns frames and keypoints into the input of networks."""

from slr.data.transforms.normalise import CentreNormalisation, FrameNormalisation, SignerNormalisation
from slr.data.transforms.pose import DropHands, DropJoints, Jitter, PoseSpace, Rotate, Scale, ShiftPose, mirror_pose
from slr.data.transforms.pose_pipeline import PosePipeline
from slr.data.transforms.rgb import Brightness, ChannelGain, Crop, Erase, Resize, ShiftFrames, TurnFrames
from slr.data.transforms.rgb_pipeline import RgbPipeline

__all__ = [
    "Brightness",
    "CentreNormalisation",
    "ChannelGain",
    "Crop",
    "DropHands",
    "DropJoints",
    "Erase",
    "FrameNormalisation",
    "Jitter",
    "PosePipeline",
    "PoseSpace",
    "Resize",
    "RgbPipeline",
    "Rotate",
    "Scale",
    "ShiftFrames",
    "ShiftPose",
    "SignerNormalisation",
    "TurnFrames",
    "mirror_pose",
]

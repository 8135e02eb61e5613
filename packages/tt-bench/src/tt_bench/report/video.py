"""Record a video of an environment, whole or not at all."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import gymnasium

from tt_bench.files import written_whole


def choose_renderer() -> None:
    """Let MuJoCo draw without a display where there is none.

    It counts for environments made from now on; MUJOCO_GL set before wins.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def follow(env: gymnasium.Env[Any, Any]) -> None:
    """Draw MuJoCo's walkers from the camera that moves with them, if they have one.

    Gymnasium draws them from one that stands still, out of whose sight they walk.
    """
    renderer: Any = getattr(env.unwrapped, "mujoco_renderer", None)
    if renderer is not None:
        cameras = [renderer.model.camera(i).name for i in range(renderer.model.ncam)]
        if "track" in cameras:
            renderer.camera_id = cameras.index("track")


@contextmanager
def recorded(env: gymnasium.Env[Any, Any], path: Path) -> Iterator[Callable[[], None]]:
    """Open an MP4 and give what adds a picture of the environment as it is.

    Args:
        env: made with render_mode="rgb_array".
        path: of the file; it appears only when the block ends without an error.

    Raises:
        ModuleNotFoundError: imageio or its ffmpeg is not installed.
    """
    open_video = _video_opener()
    rate = env.metadata.get("render_fps", 30)
    with (
        written_whole(path) as partial,
        # Its own `with` leaves ffmpeg running after an error.
        closing(open_video(partial, format="FFMPEG", fps=rate)) as video,
    ):
        yield lambda: video.append_data(env.render())


def _video_opener() -> Any:
    try:
        importlib.import_module("imageio_ffmpeg")
        return importlib.import_module("imageio.v2").get_writer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"expected {error.name}, which writes videos; pip install tt-bench[video]",
            name=error.name,
        ) from error

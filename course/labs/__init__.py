"""What a chapter imports to make its ideas visible: `live` progress and the interactive labs.

One idea a lab; every number on it is computed by the engine; each shows a still picture and one line of
text where no kernel is running.
"""

from course.labs.gradient_flow import gradient_flow
from course.labs.live import Live
from course.labs.momentum import momentum
from course.labs.pictures import show, show_weights
from course.labs.surfaces import show_walks

__all__ = ["Live", "gradient_flow", "momentum", "show", "show_walks", "show_weights"]

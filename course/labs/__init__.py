"""What a chapter imports to make its ideas visible: `Live` progress, pictures, and the interactive labs.

One idea a lab; every number on it is computed by the engine; each shows a still picture and one line of
text where no kernel is running.
"""

from course.labs.attention import attention
from course.labs.broadcasting import broadcasting
from course.labs.classifiers import show_boundaries, show_confusion
from course.labs.conveyor import conveyor
from course.labs.gan_steps import Film, gan_steps
from course.labs.gate_movie import gate_movie
from course.labs.gradient_flow import gradient_flow
from course.labs.live import Live
from course.labs.microscope import microscope
from course.labs.momentum import momentum
from course.labs.pictures import GREY, ORANGE, PURPLE, show, show_weights
from course.labs.planted import planted, reveal
from course.labs.playground import playground
from course.labs.receptive_field import receptive_field
from course.labs.surfaces import show_walks
from course.labs.value_graph import value_graph

__all__ = [
    "GREY", "ORANGE", "PURPLE", "Film", "Live", "attention", "broadcasting", "conveyor", "gan_steps", "gate_movie",
    "gradient_flow", "microscope", "momentum", "planted", "playground", "receptive_field", "reveal", "show",
    "show_boundaries", "show_confusion", "show_walks", "show_weights", "value_graph"]

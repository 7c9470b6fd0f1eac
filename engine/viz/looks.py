"""Colours and forms of what is in a picture.

What a thing is shows in its form as well as its colour, so that neither a colour-blind eye nor a black-and-white
printer loses anything: parameters are rectangles, data leans, operations have round ends, the output has a double
frame, groups are stacks, what failed is crossed, and what is not there is dashed. The ground is light and the picture's
own, so it reads on light and dark pages. The viewer's forms and colours are the same (js/style.js, js/boxes.js).
"""

from dataclasses import dataclass

GROUND, GROUND_EDGE, DETAIL_INK = "#fafbfd", "#d3d8e1", "#495263"
INK, QUIET, RED, ORANGE, BLUE, VIOLET = "#1b2230", "#6d7789", "#b3261e", "#b35500", "#0a62a8", "#63509e"


@dataclass(frozen=True)
class Look:
    """Form and colours of a kind of node or group.

    form: "plain" (a rectangle), "leaning" (a parallelogram), "round" (with round ends), "double" (two frames),
        "crossed" or "stacked" (with cards behind it).
    """

    form: str
    fill: str
    frame: str
    ink: str
    dashed: bool = False
    thickness: float = 1.4


LOOKS = {
    "parameter": Look("plain", fill="#dcecfa", frame=BLUE, ink="#083f6e"),
    "input": Look("leaning", fill="#e4f3ee", frame="#1c7a63", ink="#0d4a3b"),
    "op": Look("round", fill="#ffffff", frame=QUIET, ink=INK),
    "output": Look("double", fill="#ffedcc", frame=ORANGE, ink="#6b3300"),
    "more": Look("round", fill="#eef0f4", frame=QUIET, ink=DETAIL_INK, dashed=True),
    "failed": Look("crossed", fill="#fde3dd", frame=RED, ink="#7d1610", thickness=2.4),
    "missing": Look("plain", fill=GROUND, frame=QUIET, ink=DETAIL_INK, dashed=True),
    "module": Look("stacked", fill="#ece8f7", frame=VIOLET, ink="#3a2a72"),
    "repeat": Look("stacked", fill="#ece8f7", frame=VIOLET, ink="#3a2a72"),
    "part": Look("stacked", fill="#eef0f4", frame=QUIET, ink=INK),
}
LINE, PARAMETER_LINE = "#8790a0", "#4d8fc4"
FRAME_FILLS = ("#f3f1fa", "#fafafe")  # of open groups, by how deep they are in others, in turn

@dataclass(frozen=True)
class Mark:
    """A word on a coloured tab; the short one is for small boxes."""

    word: str
    short: str
    color: str


BADGES = {  # what is to be noticed at a tensor; the viewer writes the same (js/words.js)
    "nan": Mark("NaN", "NaN", RED),
    "inf": Mark("∞", "∞", RED),
    "exploding": Mark("▲ large", "▲", ORANGE),
    "vanishing": Mark("▼ small", "▼", BLUE),
    "zero": Mark("all 0", "0", QUIET),
    "in place": Mark("✎ in place", "✎", VIOLET),
}
DIFFERS, DIFFERS_IN_GRADIENT = Mark("≠", "≠", RED), Mark("≠ ∂", "≠ ∂", RED)  # in a comparison
FIRST = {
    ("value",): Mark("≠ first value", "≠ 1st", RED),
    ("grad",): Mark("≠ first grad", "≠ 1st ∂", RED),
    ("grad", "value"): Mark("≠ first value and grad", "≠ 1st", RED),
}
EXTRA, MISSING = Mark("+", "+", ORANGE), Mark("−", "−", ORANGE)
AND_MORE = Mark("…", "…", QUIET)

"""Pillow, loaded when a picture is first wanted."""


def pillow():
    """The module PIL.Image; ImportError says what to install."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("pictures need Pillow: pip install 'chainrule[course]', or pip install pillow") from None
    return Image


def as_picture(pixels):
    """PIL's picture of a uint8 array (H, W), grey, or (H, W, 3), colours."""
    return pillow().fromarray(pixels)


def is_picture(value):
    """True for one of PIL's pictures; PIL need not be loaded to see that something else is none."""
    import sys

    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)

"""Models that were trained for longer than a chapter's page does; each is made by a recipe in docs/.

`transformer`: chapter 10's, by docs/make_checkpoint.py.
"""

from pathlib import Path


def path_of(name):
    """Where the checkpoint of that name lies, a .safetensors file."""
    return Path(__file__).with_name(f"{name}.safetensors")

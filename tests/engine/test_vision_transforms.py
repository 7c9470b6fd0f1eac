"""Transforms: values against PIL, numpy, colorsys and torch; options, texts, errors; draws that a seed repeats."""

import colorsys

import numpy as np
import pytest

import engine
from engine.vision import transforms as T
from engine.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
BILINEAR, BICUBIC, NEAREST = T.InterpolationMode.BILINEAR, T.InterpolationMode.BICUBIC, T.InterpolationMode.NEAREST


def pixels(height=6, width=5, channels=3):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, channels)).astype(np.uint8)


def picture(*size):
    return Image.fromarray(pixels(*size))


def image(device, *size, dtype="uint8"):
    """The same as a tensor on the device."""
    values = pixels(*size).transpose(2, 0, 1)
    values = values if dtype == "uint8" else (values / 255).astype(dtype)
    return engine.tensor(np.ascontiguousarray(values)).to(device)


def array(img):
    """(H, W, C) of either kind of image."""
    return np.asarray(img) if isinstance(img, Image.Image) else img.cpu().numpy().transpose(1, 2, 0)


def smooth(height, width):
    """A picture in which a neighbouring pixel's colour is nearly the same."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 200 / height, columns * 200 / width, (rows + columns) * 100 / height], -1).astype(np.uint8)


# ---- conversions ----------------------------------------------------------------------------------------


def test_to_tensor():
    """Bytes become floats from 0 to 1, other numbers stay; channels come first."""
    np.testing.assert_allclose(T.ToTensor()(picture()).numpy(), pixels().transpose(2, 0, 1) / 255, rtol=1e-6)
    assert T.ToTensor()(Image.new("L", (4, 3), 255)).tolist() == [[[1.0] * 4] * 3]
    assert T.ToTensor()(Image.new("1", (2, 1), 1)).tolist() == [[[1.0, 1.0]]]
    assert T.ToTensor()(Image.new("I", (1, 1), 70000)).tolist() == [[[70000]]]
    assert T.ToTensor()(Image.new("F", (1, 1), 0.5)).tolist() == [[[0.5]]]
    assert T.ToTensor()(np.ones((2, 3))).shape == (1, 2, 3) and T.ToTensor()(np.ones((2, 3))).dtype is engine.float64
    made = T.PILToTensor()(picture())
    assert made.dtype is engine.uint8 and (array(made) == pixels()).all()
    made[0, 0, 0] = 1  # the memory is its own


@pytest.mark.parametrize("mode, channels, kind", [
    ("L", 1, "uint8"), ("LA", 2, "uint8"), ("RGB", 3, "uint8"), ("RGBA", 4, "uint8"), ("I", 1, "int32"),
    ("F", 1, "float32"), ("I;16", 1, "int16"), ("HSV", 3, "uint8"), ("CMYK", 4, "uint8")])  # fmt: skip
def test_to_pil_image(mode, channels, kind, device):
    """Each mode, of arrays and of tensors, with the numbers that were given."""
    values = (pixels(3, 4, channels) % 100).astype(kind)
    asked = mode if mode in ("HSV", "CMYK", "F") else None
    for given in (values, engine.tensor(np.ascontiguousarray(values.transpose(2, 0, 1))).to(device)):
        made = T.ToPILImage(asked)(given)
        assert made.mode == mode and made.size == (4, 3) and (np.asarray(made).reshape(values.shape) == values).all()


def test_floats_to_pil_image(device):
    made = F.to_pil_image(image(device, dtype="float32"))
    assert made.mode == "RGB" and np.abs(np.asarray(made).astype(int) - pixels()).max() <= 1
    assert F.to_pil_image(engine.ones(2, 3).to(device)).getpixel((0, 0)) == 255


def test_convert_image_dtype(device):
    """The range of one type becomes that of the other."""
    x = engine.tensor([0, 1, 127, 255], dtype=engine.uint8).to(device)
    floats = F.convert_image_dtype(x)
    np.testing.assert_allclose(floats.cpu().numpy(), np.array([0, 1, 127, 255]) / 255, rtol=1e-6)
    assert F.convert_image_dtype(floats, engine.uint8).tolist() == x.tolist()
    assert F.convert_image_dtype(x, engine.int16).tolist() == [0, 128, 127 * 128, 255 * 128]
    assert F.convert_image_dtype(F.convert_image_dtype(x, engine.int32), engine.uint8).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="cannot be performed safely"):
        F.convert_image_dtype(floats, engine.int32)


def test_normalize(device):
    x = image(device, dtype="float32")
    mean, std = (0.4, 0.5, 0.6), [0.1, 0.2, 0.3]
    expected = (pixels() / 255 - mean) / std
    np.testing.assert_allclose(array(T.Normalize(mean, std)(x)), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(array(F.normalize(x[None], mean, std)[0]), expected, rtol=1e-4, atol=1e-5)
    assert F.normalize(x, mean, std, inplace=True) is x
    np.testing.assert_allclose(array(x), expected, rtol=1e-4, atol=1e-5)


# ---- geometry: tensors do what PIL does -----------------------------------------------------------------

ALIKE = {
    "hflip": lambda img: F.hflip(img),
    "vflip": lambda img: F.vflip(img),
    "crop": lambda img: F.crop(img, 1, 2, 3, 2),
    "crop beyond": lambda img: F.crop(img, -2, 3, 4, 6),
    "crop around": lambda img: F.crop(img, -1, -1, 9, 9),
    "crop outside": lambda img: F.crop(img, 7, 7, 2, 2),
    "center": lambda img: F.center_crop(img, 3),
    "center odd": lambda img: F.center_crop(img, (3, 2)),
    "center larger": lambda img: F.center_crop(img, [9, 3]),
    "pad": lambda img: F.pad(img, 2, fill=7),
    "pad two": lambda img: F.pad(img, (1, 2)),
    "pad four": lambda img: F.pad(img, [1, 2, 3, 0], padding_mode="edge"),
    "reflect": lambda img: F.pad(img, [1, 2, 3, 0], padding_mode="reflect"),
    "symmetric": lambda img: F.pad(img, [1, 2, 3, 0], padding_mode="symmetric"),
    "cut": lambda img: F.pad(img, [-1, 0, 1, -2]),
    "rotate by 180": lambda img: F.rotate(img, 180),
    "nearest": lambda img: F.resize(img, (12, 10), NEAREST),
}


@pytest.mark.parametrize("name", ALIKE)
def test_tensors_and_pictures_agree(name, device):
    """Exactly, pixel by pixel; and so does a batch."""
    expected = array(ALIKE[name](picture()))
    assert expected.size and (array(ALIKE[name](image(device))) == expected).all()
    assert (array(ALIKE[name](image(device)[None])[0]) == expected).all()


@pytest.mark.parametrize("mode", [BILINEAR, BICUBIC])
@pytest.mark.parametrize("size", [(3, 4), (13, 17), (4, 17), 7])
def test_resize_is_pil_s(mode, size, device):
    """To within what PIL's fixed point rounds, smaller and larger; floats and bytes."""
    source = smooth(11, 9)
    expected = np.asarray(F.resize(Image.fromarray(source), size, mode)).astype(int)
    tensor = engine.tensor(np.ascontiguousarray(source.transpose(2, 0, 1))).to(device)
    assert np.abs(array(F.resize(tensor, size, mode)).astype(int) - expected).max() <= 1
    floats = array(F.resize(tensor.to(engine.float32), size, mode))  # which may go beyond black and white
    assert np.abs(floats.clip(0, 255) - expected).max() <= 1.5


def test_sizes_in_proportion(device):
    """The shorter side as asked, the longer one with it, and no longer than max_size."""
    for img in (picture(20, 10), image(device, 20, 10)):
        assert F.get_dimensions(F.resize(img, 5)) == [3, 10, 5]
        assert F.get_dimensions(F.resize(img, [5])) == [3, 10, 5]
        assert F.get_dimensions(F.resize(img, 5, max_size=8)) == [3, 8, 4]
        assert F.get_dimensions(T.Resize((4, 30))(img)) == [3, 4, 30]
        assert F.resize(img, 10) is img
        assert F.get_image_size(img) == [10, 20] and F.get_image_num_channels(img) == 3


def test_rotation_turns_counter_clockwise_about_the_center(device):
    for img in (picture(7, 7), image(device, 7, 7)):
        assert (array(F.rotate(img, 90)) == np.rot90(pixels(7, 7))).all()
        turned = array(F.rotate(img, 90, center=(0, 0), fill=(1, 2, 3)))
        assert (turned == [1, 2, 3]).all(), "all of it is turned out of the picture"
        assert F.get_dimensions(F.rotate(img, 45, expand=True))[1:] in ([10, 10], [11, 11])
    for img in (picture(6, 4), image(device, 6, 4)):
        assert (array(F.rotate(img, 270, expand=True)) == np.rot90(pixels(6, 4), 3)).all()
    grey = engine.ones(1, 9, 9).to(device)
    assert 60 < float(F.rotate(grey, 45, BILINEAR).sum()) < 75
    assert float(F.rotate(grey, 45, BILINEAR, fill=1).sum()) == pytest.approx(81)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle, center", [(30, None), (-77.5, None), (10, (1, 2))])
def test_rotation_is_torch_s(mode, angle, center, device):
    """A grid of places, and torch's grid_sample at them."""
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    x = image("cpu", 12, 9, dtype="float32").numpy()
    h, w = x.shape[1:]
    cx, cy = (0, 0) if center is None else (center[0] - w / 2, center[1] - h / 2)
    a = np.radians(angle)
    down, right = np.mgrid[:h, :w] + 0.5 - np.array([h / 2 + cy, w / 2 + cx]).reshape(2, 1, 1)
    across, along = np.cos(a) * right - np.sin(a) * down + cx, np.sin(a) * right + np.cos(a) * down + cy
    grid = torch.tensor(np.stack([across / (w / 2), along / (h / 2)], -1)[None], dtype=torch.float32)
    expected = torch.nn.functional.grid_sample(torch.tensor(x)[None], grid, mode, "zeros", align_corners=False)[0]
    ours = F.rotate(engine.tensor(x).to(device), angle, T.InterpolationMode(mode), center=center)
    np.testing.assert_allclose(ours.cpu().numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(3, 4), (13, 17), (1, 40)])
def test_resize_is_torch_s(mode, antialias, size, device):
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    x = image(device, 11, 9, dtype="float32")
    if mode == "bicubic" and not antialias:
        with pytest.raises(NotImplementedError, match="antialias=False"):
            F.resize(x, size, BICUBIC, antialias=False)
        return
    batch = torch.tensor(x.cpu().numpy())[None]
    expected = torch.nn.functional.interpolate(batch, size, mode=mode, align_corners=False, antialias=antialias)
    ours = F.resize(x, size, T.InterpolationMode(mode), antialias=antialias)
    np.testing.assert_allclose(ours.cpu().numpy(), expected[0].numpy(), atol=2e-6)


# ---- colour ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("factor", [0, 0.4, 1, 1.7])
def test_colours_change_as_pil_changes_them(change, factor, device):
    """To within a rounding; bytes and floats."""
    adjust = getattr(F, f"adjust_{change}")
    expected = array(adjust(picture(), factor)).astype(int)
    assert np.abs(array(adjust(image(device), factor)).astype(int) - expected).max() <= 2
    assert np.abs(array(adjust(image(device, dtype="float32"), factor)) * 255 - expected).max() <= 2


@pytest.mark.parametrize("shift", [-0.5, -0.2, 0, 0.3, 0.5])
def test_hue_moves_around_its_circle(shift, device):
    """As colorsys says; grey has no hue; PIL's own coarse circle is not far."""
    values = pixels(4, 4)
    values[0] = values[0, :, :1]
    expected = [colorsys.hsv_to_rgb((h + shift) % 1, s, v) for h, s, v in
                (colorsys.rgb_to_hsv(*rgb) for rgb in (values / 255).reshape(-1, 3).tolist())]  # fmt: skip
    tensor = engine.tensor((values / 255).transpose(2, 0, 1).astype("float32")).to(device)
    np.testing.assert_allclose(array(F.adjust_hue(tensor, shift)).reshape(-1, 3), expected, atol=1e-5)
    coarse = np.asarray(F.adjust_hue(Image.fromarray(values), shift)).reshape(-1, 3)
    assert np.abs(coarse - np.array(expected) * 255).max() < 12


def test_grey(device):
    expected = np.asarray(picture().convert("L")).astype(int)
    for img in (picture(), image(device)):
        one, three = T.Grayscale()(img), T.Grayscale(3)(img)
        assert np.abs(array(one).reshape(6, 5).astype(int) - expected).max() <= 1
        assert F.get_dimensions(three) == [3, 6, 5] and (array(three)[..., :1] == array(three)).all()
        assert F.get_dimensions(T.RandomGrayscale(1.0)(img))[0] == 3


def _same(a, b):
    return a.shape == b.shape and bool((a == b).all())


def test_compose_lambda_apply_and_pad(device):
    """One after the other; a function as a transform; all or none of several; a border as functional.pad makes it."""
    img = engine.arange(24.0, device=device).reshape(1, 4, 6)
    both = T.Compose([T.Lambda(lambda x: x * 2), T.Pad((1, 2), 5.0), T.RandomHorizontalFlip(1.0)])
    assert _same(both(img), F.hflip(F.pad(img * 2, (1, 2), 5.0)))
    assert _same(T.Pad([1, 0, 2, 3], padding_mode="reflect")(img), F.pad(img, [1, 0, 2, 3], padding_mode="reflect"))
    doubled = T.RandomApply([T.Lambda(lambda x: x * 2), T.Lambda(lambda x: x + 1)], p=1.0)
    assert _same(doubled(img), img * 2 + 1) and _same(T.RandomApply([T.Lambda(lambda x: x * 2)], p=0.0)(img), img)


@pytest.mark.parametrize("wrong, kind", [
    (lambda _: T.Pad("1"), TypeError), (lambda _: T.Pad((1, 2, 3)), ValueError),
    (lambda _: T.Pad(1, fill=None), TypeError), (lambda _: T.Pad(1, padding_mode="mirror"), ValueError),
    (lambda _: T.Pad(1, padding_mode=2), TypeError), (lambda img: F.pad(img, 1, fill="red"), TypeError),
    (lambda img: F.pad(img, 1, padding_mode=2), TypeError)])
def test_paddings_are_checked_when_they_are_given(wrong, kind, device):
    """Not when the first picture comes."""
    with pytest.raises(kind, match="[Pp]add|fill"):
        wrong(image(device))


# ---- draws ----------------------------------------------------------------------------------------------

RANDOM = [
    T.RandomHorizontalFlip(), T.RandomVerticalFlip(), T.RandomCrop(4, padding=2), T.RandomRotation(40),
    T.ColorJitter(0.5, 0.5, 0.5, 0.3), T.RandomGrayscale(0.5), T.RandomApply([T.RandomVerticalFlip(1.0)], 0.4),
    T.RandomErasing(value="random")]  # fmt: skip


@pytest.mark.parametrize("transform", RANDOM, ids=lambda each: type(each).__name__)
def test_a_seed_repeats_the_draws(transform, device):
    """The same results again, and not all of them the same; numpy's global state has no part in it."""

    def results():
        engine.manual_seed(3)
        return [transform(image(device, dtype="float32")).cpu().numpy().tobytes() for _ in range(12)]

    first = results()
    np.random.seed(0)
    assert results() == first and len(set(first)) > 1


def test_how_often_and_where(device):
    """Flips come with their probability, crops from every place, angles and erased areas within their bounds."""
    engine.manual_seed(0)
    x = engine.tensor([[[0, 1]]], dtype=engine.uint8).to(device)
    flipped = sum(T.RandomHorizontalFlip(0.3)(x)[0, 0, 0].item() for _ in range(1000))
    assert 250 < flipped < 350
    assert T.RandomHorizontalFlip(0)(x) is x and T.RandomHorizontalFlip(1)(x)[0, 0, 0].item() == 1
    places = {T.RandomCrop.get_params(image(device, 4, 6), (3, 4))[:2] for _ in range(200)}
    assert places == {(i, j) for i in range(2) for j in range(3)}
    angles = [T.RandomRotation.get_params([-10.0, 20.0]) for _ in range(500)]
    assert -10 <= min(angles) < -8 and 18 < max(angles) <= 20
    orders = {tuple(T.ColorJitter.get_params(None, None, None, (0, 0))[0].tolist()) for _ in range(300)}
    assert len(orders) == 24
    for _ in range(50):
        erased = T.RandomErasing(1, (0.1, 0.3), value=(5.0, 6.0, 7.0))(image(device, 20, 20, dtype="float32"))
        share = float((erased == engine.tensor([5.0, 6.0, 7.0]).reshape(3, 1, 1).to(device)).float().mean())
        assert 0.08 < share < 0.34


def test_random_crop_pads(device):
    for img in (picture(), image(device)):
        cropped = T.RandomCrop((9, 8), pad_if_needed=True, fill=3)(img)
        assert F.get_dimensions(cropped) == [3, 9, 8] and (array(cropped) == 3).any()
        assert F.get_dimensions(T.RandomCrop(10, padding=3)(img)) == [3, 10, 10]


def test_erasing_leaves_the_image_alone_unless_told(device):
    x = image(device, 20, 20, dtype="float32")
    before = x.clone()
    erased = T.RandomErasing(1.0)(x)
    assert (x == before).all() and (erased != before).any()
    assert T.RandomErasing(1.0, inplace=True)(x) is x and (x != before).any()


# ---- texts and errors -----------------------------------------------------------------------------------

TEXTS = {
    "ToTensor()": T.ToTensor(),
    "PILToTensor()": T.PILToTensor(),
    "ToPILImage()": T.ToPILImage(),
    "ToPILImage(mode=L)": T.ToPILImage("L"),
    "Normalize(mean=(0.5,), std=(0.25,))": T.Normalize((0.5,), (0.25,)),
    "Resize(size=8, interpolation=bilinear, max_size=None, antialias=True)": T.Resize(8),
    "Resize(size=(8, 9), interpolation=bicubic, max_size=None, antialias=True)": T.Resize((8, 9), 3),
    "CenterCrop(size=(8, 8))": T.CenterCrop(8),
    "Pad(padding=2, fill=0, padding_mode=edge)": T.Pad(2, padding_mode="edge"),
    "RandomCrop(size=(32, 32), padding=4)": T.RandomCrop(32, 4),
    "RandomHorizontalFlip(p=0.5)": T.RandomHorizontalFlip(),
    "RandomVerticalFlip(p=0.1)": T.RandomVerticalFlip(0.1),
    "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)": T.RandomRotation(10),
    "RandomRotation(degrees=[0.0, 5.0], interpolation=bilinear, expand=True, center=(1, 2), fill=0)":
        T.RandomRotation((0, 5), BILINEAR, True, (1, 2)),
    "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=(0.0, 3.0), hue=(-0.1, 0.1))":
        T.ColorJitter(0.5, 0, 2, 0.1),
    "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)": T.RandomErasing(),
    "Grayscale(num_output_channels=1)": T.Grayscale(),
    "RandomGrayscale(p=0.1)": T.RandomGrayscale(),
    "Lambda()": T.Lambda(abs),
    "RandomApply(\n    p=0.3\n    ToTensor()\n)": T.RandomApply([T.ToTensor()], 0.3),
    "Compose(\n    ToTensor()\n    CenterCrop(size=(2, 3))\n)": T.Compose([T.ToTensor(), T.CenterCrop((2, 3))]),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_torchvision_s(text):
    assert repr(TEXTS[text]) == text


REFUSED = [
    (TypeError, "pic should be PIL Image or ndarray. Got <class 'list'>", lambda x: T.ToTensor()([1])),
    (ValueError, "pic should be 2/3 dimensional. Got 4 dimensions", lambda x: T.ToTensor()(np.ones((1, 1, 1, 1)))),
    (TypeError, "pic should be PIL Image. Got", lambda x: T.PILToTensor()(x)),
    (TypeError, "pic should be Tensor or ndarray. Got", lambda x: T.ToPILImage()("x")),
    (ValueError, "pic should be 2/3 dimensional. Got 1 dim", lambda x: T.ToPILImage()(engine.ones(3))),
    (ValueError, "pic should not have > 4 channels. Got 5", lambda x: T.ToPILImage()(engine.ones(5, 2, 2))),
    (ValueError, r"Incorrect mode \(RGB\) supplied", lambda x: T.ToPILImage("RGB")(np.ones((2, 2), "uint8"))),
    (TypeError, "Input type int64", lambda x: T.ToPILImage()(np.ones((2, 2), "int64"))),
    (TypeError, "img should be Tensor Image. Got", lambda x: F.normalize(picture(), [0], [1])),
    (TypeError, "should be a float tensor. Got torch.uint8", lambda x: F.normalize(x, [0], [1])),
    (ValueError, "Expected tensor to be a tensor image", lambda x: F.normalize(engine.ones(2, 2), [0], [1])),
    (ValueError, "std evaluated to zero", lambda x: F.normalize(x.float(), [0.0], [0.0])),
    (TypeError, "Size should be int or sequence", lambda x: T.Resize("8")),
    (ValueError, "it should have 1 or 2 values", lambda x: T.Resize((1, 2, 3))),
    (ValueError, "max_size should only be passed", lambda x: T.Resize((2, 3), max_size=4)(x)),
    (ValueError, "max_size = 4 must be strictly greater", lambda x: T.Resize(4, max_size=4)(x)),
    (TypeError, "Argument interpolation should be", lambda x: T.Resize(4, "bilinear")),
    (ValueError, "'lanczos' is unsupported with Tensor", lambda x: T.Resize(4, T.InterpolationMode.LANCZOS)(x)),
    (ValueError, "Please provide only two dimensions", lambda x: T.CenterCrop((1, 2, 3))),
    (ValueError, r"Required crop size \(9, 9\) is larger than input image size \(6, 5\)", lambda x: T.RandomCrop(9)(x)),
    (ValueError, "not a 3 element tuple", lambda x: F.pad(x, (1, 2, 3))),
    (ValueError, "Padding mode should be either", lambda x: F.pad(x, 1, padding_mode="wrap")),
    (TypeError, "Got inappropriate padding arg", lambda x: F.pad(x, "1")),
    (TypeError, "Tensor is not a torch image", lambda x: F.hflip(engine.ones(3))),
    (TypeError, "img should be PIL Image or Tensor. Got <class 'numpy", lambda x: F.hflip(np.ones((2, 2)))),
    (ValueError, "If degrees is a single number", lambda x: T.RandomRotation(-1)),
    (ValueError, "degrees should be a sequence of length 2", lambda x: T.RandomRotation((1, 2, 3))),
    (TypeError, "center should be a sequence", lambda x: T.RandomRotation(1, center=3)),
    (ValueError, r"does not match .* \(2 != 3\)", lambda x: F.rotate(x, 5, fill=(1, 2))),
    (ValueError, "does not match", lambda x: F.rotate(picture(), 5, fill=(1, 2))),
    (ValueError, "If brightness is a single number, it must be non negative", lambda x: T.ColorJitter(-1)),
    (ValueError, r"hue values should be between \(-0.5, 0.5\)", lambda x: T.ColorJitter(hue=0.6)),
    (TypeError, "contrast should be a single number or", lambda x: T.ColorJitter(contrast=(1, 2, 3))),
    (ValueError, r"brightness_factor \(-1\) is not non-negative", lambda x: F.adjust_brightness(x, -1)),
    (ValueError, r"hue_factor \(1\) is not in", lambda x: F.adjust_hue(x, 1)),
    (TypeError, r"permitted channel values are \[1, 3\], but found 2", lambda x: F.adjust_contrast(x[:2], 1)),
    (ValueError, "num_output_channels should be either 1 or 3", lambda x: T.Grayscale(2)(x)),
    (ValueError, "If value is str, it should be 'random'", lambda x: T.RandomErasing(value="grey")),
    (ValueError, "probability should be between 0 and 1", lambda x: T.RandomErasing(2)),
    (ValueError, "Scale should be between 0 and 1", lambda x: T.RandomErasing(scale=(0, 2))),
    (ValueError, "either a single value or 3", lambda x: T.RandomErasing(1, value=(1, 2))(x)),
    (TypeError, "img should be Tensor Image", lambda x: T.RandomErasing(1)(picture())),
    (TypeError, "Argument transforms should be a sequence", lambda x: T.RandomApply(T.ToTensor())),
    (TypeError, "Argument lambd should be callable, got 'int'", lambda x: T.Lambda(3)),
]


@pytest.mark.parametrize("kind, text, call", REFUSED, ids=lambda each: each if isinstance(each, str) else "")
def test_mistakes_are_explained(kind, text, call):
    """In torchvision's kind of exception."""
    with pytest.raises(kind, match=text):
        call(image("cpu"))


def test_transforms_are_modules(device):
    """They stand in nn.Sequential, as torchvision's do."""
    chain = engine.nn.Sequential(T.CenterCrop(4), T.Normalize([0.5], [0.5]))
    assert chain(image(device, dtype="float32")).shape == (3, 4, 4)

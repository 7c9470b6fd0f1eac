"""What the tests of modules share: a module of torch and its twin here with the same weights, and comparing them."""

import numpy as np

import engine


def copied(tensor, device):
    """torch's tensor here, a leaf that needs a gradient if it does; tuples and numbers likewise."""
    if isinstance(tensor, (tuple, list)):
        return type(tensor)(copied(each, device) for each in tensor)
    if not hasattr(tensor, "detach"):
        return tensor
    return engine.tensor(tensor.detach().numpy(), device=device).requires_grad_(tensor.requires_grad)


def twins(torch, name, *args, device="cpu", dtype="float64", **options):
    """torch's module of that name and ours, with torch's weights."""
    theirs = getattr(torch.nn, name)(*args, **options).to(getattr(torch, dtype))
    ours = getattr(engine.nn, name)(*args, **options).to(getattr(engine, dtype)).to(device)
    state = theirs.state_dict()
    assert {key: tuple(value.shape) for key, value in ours.state_dict().items()} == {
        key: tuple(value.shape) for key, value in state.items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict({key: copied(value, device) for key, value in state.items()})
    return theirs, ours


def flat(results):
    """The tensors in nested tuples, one after the other; None where there is none."""
    return [part for each in results for part in flat(each)] if isinstance(results, (tuple, list)) else [results]


def check_same(theirs, ours, tolerance=1e-9, what=""):
    """Same shapes, types and values, nan in the same places."""
    for one, other in zip(flat(theirs), flat(ours), strict=True):
        assert (one is None) == (other is None), what
        if one is not None:
            assert tuple(one.shape) == tuple(other.shape) and str(one.dtype) == str(other.dtype), what
            mine, yours = other.detach().cpu().numpy(), one.detach().numpy()
            np.testing.assert_allclose(mine, yours, rtol=tolerance, atol=tolerance, err_msg=what)


def backward(results, weights=(1.0, 0.5, 0.25)):
    """From a scalar that depends on every element of the results, each in another way."""
    tensors = [each for each in flat(results) if each is not None and each.requires_grad]
    sum((each * each).sum() * weight + (each * weight).sum() for each, weight in zip(tensors, weights)).backward()


def check_twins(theirs, ours, inputs, device, tolerance=1e-9, **keywords):
    """Both give the same outputs and the same gradients of inputs and parameters."""
    found = {id(each): copied(each, device) for each in inputs}  # one that is given twice stays one
    mine = [found[id(each)] for each in inputs]
    my_keywords = {name: copied(each, device) for name, each in keywords.items()}
    what = f"{ours} {list(keywords)}"
    their_results, our_results = theirs(*inputs, **keywords), ours(*mine, **my_keywords)
    check_same(their_results, our_results, tolerance, what)
    backward(their_results), backward(our_results)
    pairs = [*zip(flat(inputs), flat(mine)), *zip(theirs.parameters(), ours.parameters())]
    check_same([one.grad if hasattr(one, "grad") else None for one, _ in pairs],
               [other.grad if hasattr(other, "grad") else None for _, other in pairs], tolerance * 10, what)
    for one, other in pairs:
        if hasattr(one, "grad"):
            one.grad = other.grad = None


def check_mistake(line, torch, names=None):
    """The line raises the same kind of error under torch and here, and not numpy's words."""
    found = []
    for library in (torch, engine):
        try:
            eval(line, {"torch": library, "nn": library.nn, "R": library.randn} | (names or {}))
        except Exception as error:
            found.append(error)
    assert len(found) == 2, f"{line}: only {found}"
    assert issubclass(type(found[1]), type(found[0])), f"{line}: {found[0]!r}, {found[1]!r}"
    assert "operands could not be broadcast" not in str(found[1])


def learning_curve(library, module, inputs, target, steps=50, rate=0.1, of=lambda output: output):
    """The losses of so many steps of gradient descent by hand."""
    losses = []
    for _ in range(steps):
        loss = ((of(module(*inputs)) - target) ** 2).mean()
        for parameter in module.parameters():
            parameter.grad = None
        loss.backward()
        with library.no_grad():
            for parameter in module.parameters():
                parameter.sub_(parameter.grad * rate)
        losses.append(loss.item())
    return losses

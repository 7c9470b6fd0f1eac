"""Variable, then and now.

Until 2018 a tensor had to be wrapped in a Variable before gradients could be taken. Since then tensors do that themselves;
Variable(x) is still there and gives a plain Tensor with the same memory. Only floating-point numbers have gradients, and
backward() without an argument starts from a single number: what older tutorials leave out.
"""

import engine as torch
from engine.autograd import Variable


def refused(action):
    """The first line of what an action is refused with."""
    try:
        action()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None


def main(epochs=1, size=None, seed=0):
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    then = Variable(x, requires_grad=True)
    (then * then).sum().backward()
    x[0, 0] = 5.0  # seen through the Variable, too: it has the same memory
    now = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).requires_grad_()
    (now * now).sum().backward()
    print("a Variable is a", type(then).__name__, "and its gradient is", then.grad.tolist())

    whole = torch.tensor([[1, 2], [3, 4]])
    for reason in (no_integers := refused(lambda: Variable(whole, requires_grad=True)),
                   no_matrices := refused(lambda: (now * 2).backward())):  # fmt: skip
        print("refused:", reason)
    (now * 2).backward(torch.ones(2, 2))  # a matrix needs to be told the gradient that arrives
    return {"type": type(then).__name__, "then": then.grad.tolist(), "memory": then[0, 0].item() == x[0, 0].item() == 5.0,
            "added": now.grad.tolist(), "refused": [no_integers, no_matrices]}  # fmt: skip


if __name__ == "__main__":
    main()

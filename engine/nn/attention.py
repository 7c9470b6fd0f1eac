"""MultiheadAttention: several small attentions side by side, between learned projections (Vaswani et al., 2017)."""

from engine import creation, dtypes
from engine.autograd.graph import TensorBase
from engine.functions import cat
from engine.nn import functional, init
from engine.nn.functional.attention import as_scores, attention_weights
from engine.nn.linear import Linear
from engine.nn.module import Module
from engine.nn.parameter import Parameter

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear; the name is what torch prints."""


class MultiheadAttention(Module):
    """Embeddings are projected to queries, keys and values and cut into heads; each attends, the results are joined.

    embed_dim: of query and output, a multiple of num_heads. dropout: of the weights, in training. kdim, vdim: sizes of
    key and value where they are others. add_bias_kv: one more key and value that are learned. add_zero_attn: one more
    key and value of zeros. batch_first: (B, T, E) instead of (T, B, E).

    in_proj_weight (3E, E) holds the projections of query, key and value, or q_proj_weight (E, E), k_proj_weight
    (E, kdim) and v_proj_weight (E, vdim) do; in_proj_bias (3E); bias_k, bias_v (1, 1, E); out_proj, a Linear. At first
    the weights are xavier_uniform, biases 0, bias_k and bias_v xavier_normal.
    """

    def __init__(
            self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
            vdim=None, batch_first=False, device=None, dtype=None):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads}")
        if embed_dim % num_heads:
            raise AssertionError(f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        super().__init__()
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.add_zero_attn, self.batch_first = dropout, add_zero_attn, batch_first
        is_packed = self.kdim == self.vdim == embed_dim
        shapes = {
            "q_proj_weight": None if is_packed else (embed_dim, embed_dim),
            "k_proj_weight": None if is_packed else (embed_dim, self.kdim),
            "v_proj_weight": None if is_packed else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if is_packed else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None}
        for name, shape in shapes.items():
            parameter = shape and Parameter(creation.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, parameter)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self._reset_parameters()

    def _reset_parameters(self):
        for name, parameter in self._parameters.items():
            if parameter is not None:
                draw = {"in_proj_bias": init.zeros_, "bias_k": init.xavier_normal_, "bias_v": init.xavier_normal_}
                draw.get(name, init.xavier_uniform_)(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
            self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
            average_attn_weights=True, is_causal=False):
        """(output, weights): output in the shape of query; weights (B, L, S), or (B, num_heads, L, S) unless
        average_attn_weights, or None unless need_weights.

        query: (L, B, E), key: (S, B, kdim), value: (S, B, vdim), or all without B. key_padding_mask: (B, S), attn_mask:
        (L, S) or (B * num_heads, L, S); bools are True where a query may NOT look, floats are added to the scores.
        is_causal: a hint that attn_mask is the causal mask; it may then be replaced by that, but must be given.
        """
        self._check(query, key, value, key_padding_mask, attn_mask, need_weights)
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                "`generate_square_subsequent_mask` to create this mask.")
        is_batch = query.ndim == 3
        if not is_batch:
            time, (query, key, value) = 0, [each.unsqueeze(1) for each in (query, key, value)]
            key_padding_mask = key_padding_mask if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        else:
            time = 1 if self.batch_first else 0
        batch = query.shape[1 - time]
        projected = self._extended(*self._projected(query, key, value), time)
        queries, keys, values = [self._heads(each, time) for each in projected]
        if self.add_zero_attn:
            zeros = creation.zeros((batch, self.num_heads, 1, self.head_dim), dtype=keys.dtype, device=keys.device)
            keys, values = cat([keys, zeros], 2), cat([values, zeros], 2)
        if is_causal and key_padding_mask is None and not need_weights:
            attn_mask, is_causal = None, True
        else:
            attn_mask, is_causal = self._joined_mask(attn_mask, key_padding_mask, batch, keys), False
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            weights = attention_weights(queries, keys, attn_mask, dropout, may_be_blocked=False)
            output = weights @ values
        else:
            weights = None
            output = functional.scaled_dot_product_attention(queries, keys, values, attn_mask, dropout, is_causal)
        places = (0, 2, 1, 3) if time else (2, 0, 1, 3)
        output = self.out_proj(output.permute(*places).reshape(*query.shape[:2], self.embed_dim))
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if not is_batch:
            return output.squeeze(1), weights if weights is None else weights.squeeze(0)
        return output, weights

    def _projected(self, query, key, value):
        """Queries, keys and values, (..., E) each."""
        if self.in_proj_weight is not None and query is key is value:
            return functional.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        weights = weights if self.in_proj_weight is None else self.in_proj_weight.chunk(3)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return [functional.linear(*each) for each in zip((query, key, value), weights, biases)]

    def _extended(self, queries, keys, values, time):
        """The same with bias_k and bias_v behind the keys and values."""
        if self.bias_k is None:
            return queries, keys, values
        shape = [1, 1, self.embed_dim]
        shape[1 - time] = keys.shape[1 - time]
        return queries, cat([keys, self.bias_k.expand(*shape)], time), cat([values, self.bias_v.expand(*shape)], time)

    def _heads(self, projected, time):
        """(T, B, E), or (B, T, E) where time is 1, as (B, num_heads, T, head_dim)."""
        cut = projected.reshape(*projected.shape[:2], self.num_heads, self.head_dim)
        return cut.permute(*((0, 2, 1, 3) if time else (1, 2, 0, 3)))

    def _joined_mask(self, attn_mask, key_padding_mask, batch, keys):
        """Both masks as one that is added to the scores, 0 for the keys that were put behind; None if there is none."""
        joined = None
        if attn_mask is not None:
            joined = _added(attn_mask, keys.dtype)
            if joined.ndim == 3:
                joined = joined.reshape(batch, self.num_heads, *joined.shape[1:])
        if key_padding_mask is not None:
            padding = _added(key_padding_mask, keys.dtype)[:, None, None]
            joined = padding if joined is None else joined + padding
        behind = 0 if joined is None else keys.shape[2] - joined.shape[-1]
        return functional.pad(joined, (0, behind)) if behind else joined

    def _check(self, query, key, value, key_padding_mask, attn_mask, need_weights):
        """AssertionErrors and RuntimeErrors where torch has them."""
        for position, (name, each) in enumerate({"query": query, "key": key, "value": value}.items(), 1):
            if not isinstance(each, TensorBase):
                found = type(each).__name__
                raise TypeError(f"MultiheadAttention: '{name}' (position {position}) must be Tensor, not {found}")
        if query.ndim not in (2, 3):
            raise AssertionError(
                f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor")
        kind = "batched (3-D)" if query.ndim == 3 else "unbatched (2-D)"
        if key.ndim != query.ndim or value.ndim != query.ndim:
            raise AssertionError(
                f"For {kind} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
                f"{value.ndim}-D tensors respectively")
        if query.shape[-1] != self.embed_dim:
            raise AssertionError(f"was expecting embedding dimension of {self.embed_dim}, but got {query.shape[-1]}")
        if key.shape[:-1] != value.shape[:-1]:
            raise AssertionError(f"key shape {list(key.shape)} does not match value shape {list(value.shape)}")
        if query.ndim == 3 and query.shape[0 if self.batch_first else 1] != key.shape[0 if self.batch_first else 1]:
            raise RuntimeError(f"query and key differ in their batch: shapes {list(query.shape)} and {list(key.shape)}")
        time = 1 if query.ndim == 3 and self.batch_first else 0
        self._check_masks(kind, query.shape, query.shape[time], key.shape[time], key_padding_mask, attn_mask)
        if need_weights and attn_mask is not None and attn_mask.dtype not in (dtypes.bool, query.dtype):
            raise RuntimeError(f"attn_mask must be bool or of query's type, {query.dtype}, got {attn_mask.dtype}")

    def _check_masks(self, kind, query_shape, length, key_length, key_padding_mask, attn_mask):
        for name, mask in {"key_padding_mask": key_padding_mask, "attn_mask": attn_mask}.items():
            if mask is None:
                continue
            wanted = (len(query_shape) - 1,) if name == "key_padding_mask" else (2, 3)
            if mask.ndim not in wanted:
                wanted = " or ".join(f"{each}-D" for each in wanted)
                raise AssertionError(
                    f"For {kind} `query`, expected `{name}` to be `None` or {wanted} but found {mask.ndim}-D tensor")
            if mask.dtype is not dtypes.bool and not mask.dtype.is_floating_point:
                raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.dtype}")
        batch = 1 if len(query_shape) == 2 else query_shape[0 if self.batch_first else 1]
        if attn_mask is not None:
            wanted = (length, key_length) if attn_mask.ndim == 2 else (batch * self.num_heads, length, key_length)
            if tuple(attn_mask.shape) != wanted:
                raise RuntimeError(
                    f"The shape of the {attn_mask.ndim}D attn_mask is {list(attn_mask.shape)}, but should be {wanted}.")
        if key_padding_mask is not None:
            wanted = (key_length,) if len(query_shape) == 2 else (batch, key_length)
            if tuple(key_padding_mask.shape) != wanted:
                found = list(key_padding_mask.shape)
                raise AssertionError(f"Expected key_padding_mask of shape {wanted}, but got {found}")


def _added(mask, dtype):
    """A mask that is True where a query may not look, as what it adds to the scores."""
    return as_scores(~mask if mask.dtype is dtypes.bool else mask, dtype)

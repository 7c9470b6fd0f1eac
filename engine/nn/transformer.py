"""The Transformer: layers of attention and of small networks for each position (Vaswani et al., 2017)."""

import copy
import math

from engine import creation
from engine.nn import functional, init
from engine.nn.attention import MultiheadAttention
from engine.nn.containers import ModuleList
from engine.nn.dropout import Dropout
from engine.nn.linear import Linear
from engine.nn.module import Module
from engine.nn.normalization import LayerNorm

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer"]


class _Layer(Module):
    """What the two kinds of layers have in common: attention, then a network of two linear maps, each one with dropout,
    a way around it and a normalization."""

    def __init__(
            self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=functional.relu, layer_norm_eps=1e-5,
            batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        where = {"device": device, "dtype": dtype}
        attentions, blocks = self._attentions, len(self._attentions) + 1
        for name in attentions:
            attention = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **where)
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **where)
        for block in range(1, blocks + 1):
            self.add_module(f"norm{block}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where))
        for block in range(1, blocks + 1):
            self.add_module(f"dropout{block}", Dropout(dropout))
        self.norm_first = norm_first
        self.activation = _activation(activation)

    def _feed(self, x):
        """The network of two linear maps."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _around(self, x, block, number):
        """x + dropout(block(x)), normalized after that, or before the block with norm_first."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        return x + dropout(block(norm(x))) if self.norm_first else norm(x + dropout(block(x)))


def _activation(activation):
    """The function that is meant: "relu", "gelu" or a function."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(functional, activation)


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a network for each position (Vaswani et al., 2017).

    d_model: size of the embedding. nhead: heads. dim_feedforward: width of the network. activation: "relu", "gelu" or a
    function. norm_first: normalize before each block instead of after it. batch_first: (B, T, E) instead of (T, B, E).
    """

    _attentions = ("self_attn",)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """src: (T, B, d_model) or (T, d_model); the same shape. Masks and is_causal as in MultiheadAttention."""
        def attend(x):
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._around(self._around(src, attend, 1), self._feed, 2)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to what the encoder found, then a network for each position (Vaswani et al., 2017).

    Arguments as those of TransformerEncoderLayer.
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
            self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
            tgt_is_causal=False, memory_is_causal=False):
        """tgt: (T, B, d_model), memory: (S, B, d_model), or both without B; the shape of tgt. Masks as in
        MultiheadAttention: tgt's for the self-attention, memory's for the attention to `memory`."""
        def attend(x):
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def look_up(x):
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal)[0]

        return self._around(self._around(self._around(tgt, attend, 1), look_up, 2), self._feed, 3)


def _copies(layer, count):
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """num_layers copies of an encoder layer, one after the other, then `norm`, if given.

    enable_nested_tensor and mask_check choose, in torch, a quicker way in evaluation; here there is one way.
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers, self.num_layers, self.norm = _copies(encoder_layer, num_layers), num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        """src: (T, B, d_model) or (T, d_model); the same shape. Masks and is_causal as in MultiheadAttention."""
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """num_layers copies of a decoder layer, one after the other, then `norm`, if given."""

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers, self.num_layers, self.norm = _copies(decoder_layer, num_layers), num_layers, norm

    def forward(
            self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
            tgt_is_causal=None, memory_is_causal=False):
        """As a TransformerDecoderLayer."""
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, bool(tgt_is_causal),
                memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder reads the source, a decoder writes the target (Vaswani et al., 2017).

    Weights are xavier_uniform at first. custom_encoder, custom_decoder: modules in their place. Other arguments as
    those of TransformerEncoderLayer.
    """

    def __init__(
            self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
            activation=functional.relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5,
            batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        options = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)

        def norm():
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(d_model, nhead, *options), num_encoder_layers, norm())
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(d_model, nhead, *options), num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self):
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
            self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None,
            tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
            memory_is_causal=False):
        """src: (S, B, d_model), tgt: (T, B, d_model), or both without B; the shape of tgt. Masks as in
        MultiheadAttention."""
        batch = 0 if self.batch_first else 1
        if src.ndim == tgt.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, got {src.shape[batch]} and {tgt.shape[batch]}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                f"src and tgt must have d_model = {self.d_model} features, got {src.shape[-1]} and {tgt.shape[-1]}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """(sz, sz), to be added to scores: 0 for the keys up to a query's own place, -inf after it."""
        return creation.full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

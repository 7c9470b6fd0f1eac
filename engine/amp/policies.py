"""What each function does with floats of several precisions while autocast is on: PyTorch's lists, for CPU and GPU.

Half the bits are enough for products, whose sums are kept in more; not for exp, sums and losses. A function that is on
no list takes its arguments as they come. What is listed here as composed PyTorch lists under the parts it is made of.
"""

LOWER = "lower"  # all in autocast's type
FLOAT32 = "float32"  # all in float32
RESULT = "float32 unless dtype is given"
STATE = "state"  # all as wide as the hidden states given, at least in autocast's type
WIDEST = "widest"  # all in the widest of the types given, at least autocast's
AS_GIVEN = "as given"  # as they are, also in what the function calls
BANNED = "banned"  # would overflow or lose what matters; there is a better function

_PRODUCTS = (
    "addbmm addmm baddbmm bmm conv1d conv2d conv_transpose1d conv_transpose2d linear matmul mm prelu vecdot "
    "lstm rnn rnn_cell scaled_dot_product_attention")
_LOSSES = ("binary_cross_entropy_with_logits cross_entropy huber_loss kl_div l1_loss mse_loss nll_loss smooth_l1_loss")

_LISTS = {
    "cpu": {
        LOWER: _PRODUCTS,
        FLOAT32: f"{_LOSSES} binary_cross_entropy cholesky eigh eigvalsh inv inverse prod qr reflection_pad solve svd "
                 "svdvals trace",
        STATE: "gru gru_cell lstm_cell",
        AS_GIVEN: "bilinear",
        WIDEST: "cat index_copy stack",
    },
    "cuda": {
        LOWER: f"{_PRODUCTS} addmv addr einsum gru gru_cell lstm_cell multi_dot mv",
        FLOAT32: f"{_LOSSES} acos asin cosh cosine_similarity exp expm1 group_norm interpolate layer_norm log log10 "
                 "log1p log2 logsumexp norm normalize pairwise_distance pow reciprocal rms_norm rsqrt sinh "
                 "softplus tan",
        RESULT: "cumprod cumsum log_softmax matrix_norm prod softmax sum vector_norm",
        WIDEST: "addcdiv addcmul atan2 bilinear dot index_put scatter_add tensordot vdot",
        BANNED: "binary_cross_entropy"}}

POLICIES = {  # kind of device -> name of a function -> policy
    device: {name: policy for policy, names in lists.items() for name in names.split()}
    for device, lists in _LISTS.items()}

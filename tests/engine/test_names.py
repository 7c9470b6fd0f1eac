"""Every name that the course, its seeds and the examples may count on is there, and no name is promised in vain.

Signatures and behaviour are compared with PyTorch's elsewhere; this list is what may never get lost."""

import functools

import pytest

import engine

# module -> names in it
PROMISED = {
    "": """
        tensor as_tensor from_numpy zeros ones full empty eye arange linspace logspace zeros_like ones_like
        full_like empty_like rand randn randint randperm rand_like randn_like normal bernoulli multinomial
        manual_seed Generator tril_indices triu_indices add sub mul div true_divide floor_divide remainder fmod
        pow neg abs sign exp expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan
        atan2 sinh cosh tanh sigmoid erf floor ceil round trunc clamp clamp_min clamp_max minimum maximum where
        lerp addcmul addcdiv logaddexp isnan isinf isfinite eq ne lt le gt ge logical_and logical_or logical_not
        logical_xor nan_to_num masked_fill sum mean prod max min amax amin argmax argmin var std norm
        linalg.vector_norm linalg.norm logsumexp cumsum cumprod all any count_nonzero topk sort argsort unique
        bincount reshape flatten unflatten squeeze unsqueeze transpose permute movedim t broadcast_to tile
        repeat_interleave cat stack hstack vstack split chunk unbind flip roll tril triu diagonal diag narrow
        select index_select gather scatter scatter_add take_along_dim masked_select nonzero clone meshgrid
        is_tensor matmul mm bmm mv dot outer addmm tensordot einsum trace kron linalg.inv linalg.solve
        linalg.det linalg.cholesky linalg.qr linalg.svd save load device dtype float16 float32 float64 bfloat16
        int8 int16 int32 int64 uint8 bool complex64 complex128 cuda.is_available cuda.device_count
        cuda.synchronize cuda.memory_allocated cuda.get_device_name amp.autocast amp.GradScaler set_num_threads
        get_num_threads set_default_dtype set_printoptions allclose equal promote_types result_type finfo iinfo
        Size""",
    "Tensor": """
        view expand expand_as repeat T mT contiguous detach item tolist numpy to cpu cuda float double half long
        int bool type size dim numel is_contiguous stride unfold add_ clamp_ zero_ fill_ copy_ masked_fill_
        backward retain_grad register_hook requires_grad_ grad grad_fn""",
    "nn.functional": """
        relu leaky_relu elu selu gelu silu mish softplus softsign sigmoid tanh logsigmoid hardtanh relu6
        hardswish hardsigmoid glu prelu threshold softmax log_softmax softmin linear bilinear embedding one_hot
        conv1d conv2d conv_transpose1d conv_transpose2d max_pool1d max_pool2d avg_pool1d avg_pool2d
        adaptive_avg_pool1d adaptive_avg_pool2d unfold fold interpolate pixel_shuffle batch_norm layer_norm
        group_norm instance_norm rms_norm dropout dropout2d mse_loss l1_loss smooth_l1_loss huber_loss
        cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div cosine_similarity
        normalize pad scaled_dot_product_attention""",
    "nn": """
        Module Parameter Sequential ModuleList ModuleDict ParameterList Identity Flatten Unflatten RNNCell
        LSTMCell GRUCell RNN LSTM GRU MultiheadAttention TransformerEncoderLayer TransformerEncoder
        TransformerDecoderLayer TransformerDecoder Transformer Upsample PixelShuffle ZeroPad2d ReflectionPad2d
        ReplicationPad2d ConstantPad2d ReLU LeakyReLU ELU SELU GELU SiLU Mish Softplus Softsign Sigmoid Tanh
        LogSigmoid Hardtanh ReLU6 Hardswish Hardsigmoid GLU PReLU Threshold Softmax LogSoftmax Softmin Linear
        Bilinear Embedding Conv1d Conv2d ConvTranspose1d ConvTranspose2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d
        AdaptiveAvgPool1d AdaptiveAvgPool2d Unfold Fold BatchNorm1d BatchNorm2d LayerNorm GroupNorm
        InstanceNorm1d InstanceNorm2d RMSNorm Dropout Dropout2d MSELoss L1Loss SmoothL1Loss HuberLoss
        CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss CosineSimilarity utils.clip_grad_norm_
        utils.clip_grad_value_ utils.parameters_to_vector utils.vector_to_parameters
        utils.parametrizations.weight_norm utils.parametrizations.spectral_norm""",
    "nn.init": """
        uniform_ normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ kaiming_uniform_
        kaiming_normal_ trunc_normal_ orthogonal_ sparse_ calculate_gain""",
    "autograd": """
        backward grad Function no_grad enable_grad set_grad_enabled inference_mode detect_anomaly gradcheck
        gradgradcheck functional.jacobian functional.hessian functional.vjp functional.jvp Variable""",
    "utils.checkpoint": """
        checkpoint""",
    "optim": """
        SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS lr_scheduler.StepLR
        lr_scheduler.MultiStepLR lr_scheduler.ExponentialLR lr_scheduler.CosineAnnealingLR
        lr_scheduler.CosineAnnealingWarmRestarts lr_scheduler.LambdaLR lr_scheduler.LinearLR
        lr_scheduler.ConstantLR lr_scheduler.SequentialLR lr_scheduler.OneCycleLR lr_scheduler.ReduceLROnPlateau""",
    "utils.data": """
        Dataset IterableDataset TensorDataset ConcatDataset Subset random_split DataLoader SequentialSampler
        RandomSampler SubsetRandomSampler WeightedRandomSampler BatchSampler default_collate""",
    "vision": """
        datasets.Digits datasets.MNIST datasets.FashionMNIST datasets.CIFAR10 datasets.ImageFolder
        transforms.Compose transforms.ToTensor transforms.Normalize transforms.Resize
        transforms.RandomHorizontalFlip transforms.RandomCrop transforms.CenterCrop transforms.RandomRotation
        transforms.ColorJitter transforms.RandomErasing transforms.Grayscale transforms.Lambda utils.make_grid
        utils.save_image models.lenet models.resnet18 models.resnet20""",
}


def found(path):
    """What stands at a dotted path of the engine; AttributeError where nothing does."""
    return functools.reduce(getattr, path.split("."), engine)


@pytest.mark.parametrize("module", PROMISED)
def test_every_promised_name_is_there(module):
    """At its dotted path, and something: a name that is None or raises would be a stub."""
    for name in PROMISED[module].split():
        path = f"{module}.{name}" if module else name
        if name == "bfloat16":
            pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16: pip install ml_dtypes")
        assert found(path) is not None, path

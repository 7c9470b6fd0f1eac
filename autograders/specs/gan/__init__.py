"""GAN: both losses, a step of each network, the transposed convolution, covered modes, the gradient penalty."""

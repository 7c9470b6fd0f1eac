"""Deep networks: a residual block, overfitting one batch, label smoothing, Grad-CAM."""

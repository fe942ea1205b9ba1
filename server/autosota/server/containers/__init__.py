"""What a container engine can do for us: endpoints, images, walls, GPUs, and cleaning up.

The SDK is imported lazily, here and in `kernels/` only.
"""

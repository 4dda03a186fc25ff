"""The files that `chaos init` writes: they run in the lab as they are."""

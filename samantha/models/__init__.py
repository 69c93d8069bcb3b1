"""Where answers come from: the port, and what stands behind it."""

/* TensorFlow's `c/kernels.h` includes this file of its C++ side, which the wheel keeps elsewhere; it needs nothing of it. */

/*
 * Read before the binding's own sources, so that what JavaScript hands over is always copied.
 *
 * The binding lends TensorFlow the memory of a typed array where it is aligned by chance, and drops
 * its reference to the array when TensorFlow is done with the tensor: in whichever thread that is,
 * often in several at once. V8 allows that in JavaScript's thread only; elsewhere its table of
 * references breaks, and the process ends without a word, now or later. Three of four arrays are not
 * aligned and were copied anyway.
 */
#ifndef TUNING_FORK_COPIED_TENSORS_H_
#define TUNING_FORK_COPIED_TENSORS_H_

#include <cstring>

#include "tensorflow/c/c_api.h"

inline TF_Tensor *CopiedTensor(TF_DataType type, const int64_t *shape, int dimensions, void *data,
                               size_t bytes, void (*release)(void *, size_t, void *), void *held) {
  TF_Tensor *tensor = TF_AllocateTensor(type, shape, dimensions, bytes);
  if (tensor != nullptr && bytes > 0) std::memcpy(TF_TensorData(tensor), data, bytes);
  release(data, bytes, held);
  return tensor;
}

#define TF_NewTensor CopiedTensor

#endif  // TUNING_FORK_COPIED_TENSORS_H_

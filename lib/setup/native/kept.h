/*
 * What kernels keep of weights that stay as long as the session, in an order of their own.
 */
#ifndef TUNING_FORK_KEPT_H_
#define TUNING_FORK_KEPT_H_

#include "tensorflow/c/tf_tensor.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>

/*
 * T(tensor, turned, sizes...), which takes the tensor over: what parts of a batch and batches of other sizes read is there once.
 * It is known by its memory, which nobody else gets as long as the tensor is held.
 */
template <class T, class... Sizes>
std::shared_ptr<const T> KeptOf(TF_Tensor *tensor, bool turned, Sizes... sizes) {
  static std::mutex lock;
  static auto *known = new std::map<std::pair<const void *, bool>, std::weak_ptr<const T>>();
  const std::lock_guard<std::mutex> mine(lock);
  auto &place = (*known)[{TF_TensorData(tensor), turned}];
  std::shared_ptr<const T> there = place.lock();
  if (there != nullptr) {
    TF_DeleteTensor(tensor);
    return there;
  }
  for (auto i = known->begin(); i != known->end();)
    if (i->second.expired() && &i->second != &place) i = known->erase(i);
    else ++i;
  there = std::make_shared<const T>(tensor, turned, sizes...);
  place = there;
  return there;
}

#endif  // TUNING_FORK_KEPT_H_

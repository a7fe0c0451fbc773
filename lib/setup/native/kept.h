/*
 * What kernels keep of weights that stay as long as the session, in an order of their own.
 */
#ifndef TUNING_FORK_KEPT_H_
#define TUNING_FORK_KEPT_H_

#include "tensorflow/c/tf_tensor.h"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

/*
 * T(tensor, form...), which takes the tensor over: what parts of a batch and batches of other sizes read is there once. It is known
 * by its memory, which nobody else gets as long as the tensor is held, and by the form, since layers may share weights.
 */
template <class T, class... Form>
std::shared_ptr<const T> KeptOf(TF_Tensor *tensor, Form... form) {
  static std::mutex lock;
  static auto *known = new std::map<std::tuple<const void *, Form...>, std::weak_ptr<const T>>();
  const std::lock_guard<std::mutex> mine(lock);
  auto &place = (*known)[{TF_TensorData(tensor), form...}];
  std::shared_ptr<const T> there = place.lock();
  if (there != nullptr) {
    TF_DeleteTensor(tensor);
    return there;
  }
  for (auto i = known->begin(); i != known->end();)
    if (i->second.expired() && &i->second != &place) i = known->erase(i);
    else ++i;
  there = std::make_shared<const T>(tensor, form...);
  place = there;
  return there;
}

#endif  // TUNING_FORK_KEPT_H_

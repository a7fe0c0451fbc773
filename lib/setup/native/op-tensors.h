/*
 * What an op of our own is called with and gives, for ops that work number by number.
 */
#ifndef TUNING_FORK_OP_TENSORS_H_
#define TUNING_FORK_OP_TENSORS_H_

#include "tensorflow/c/kernels.h"

#include <cstdint>
#include <initializer_list>

/* Operands and results of one call, let go of in the end; what went wrong with them is told to TensorFlow then. */
class OpTensors {
 public:
  explicit OpTensors(TF_OpKernelContext *context) : context_(context), status_(TF_NewStatus()) {
    for (int i = 0; i < TF_NumInputs(context) && i < kMost && ok(); i++) TF_GetInput(context, i, &inputs_[i], status_);
    for (int i = 0; i < kMost && ok(); i++)
      if (inputs_[i] != nullptr && TF_NumDims(inputs_[i]) > kRanks)
        Fail(TF_INVALID_ARGUMENT, "more than eight dimensions");
  }
  ~OpTensors() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor *tensor : inputs_)
      if (tensor != nullptr) TF_DeleteTensor(tensor);
    for (TF_Tensor *tensor : outputs_)
      if (tensor != nullptr) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  OpTensors(const OpTensors &) = delete;

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  void Fail(TF_Code code, const char *why) { TF_SetStatus(status_, code, why); }

  TF_Tensor *in(int i) const { return inputs_[i]; }
  int64_t Count(int i) const { return inputs_[i] == nullptr ? 0 : TF_TensorElementCount(inputs_[i]); }
  /* An operand that is kept when the call is over: whoever takes it lets go of it. */
  TF_Tensor *Take(int i) {
    TF_Tensor *taken = inputs_[i];
    inputs_[i] = nullptr;
    return taken;
  }
  template <class T>
  T *Of(int i) const { return inputs_[i] == nullptr ? nullptr : static_cast<T *>(TF_TensorData(inputs_[i])); }

  /* Result 0, in type and shape of operand `like`; the memory of operand `from` serves, if that is one, where nobody else reads it. */
  void *Result(int like, int from) {
    int64_t shape[kRanks];
    const int rank = TF_NumDims(inputs_[like]);
    for (int i = 0; i < rank; i++) shape[i] = TF_Dim(inputs_[like], i);
    int forwarded = -1;
    outputs_[0] = from < 0 ? TF_AllocateOutput(context_, 0, TF_TensorType(inputs_[like]), shape, rank,
                                               TF_TensorByteSize(inputs_[like]), status_)
                           : TF_ForwardInputOrAllocateOutput(context_, &from, 1, 0, shape, rank, &forwarded, status_);
    return ok() ? TF_TensorData(outputs_[0]) : nullptr;
  }

  /* Result i, of a type that has two or four bytes. */
  void *Result(int i, TF_DataType type, std::initializer_list<int64_t> shape) {
    if (!ok()) return nullptr;
    int64_t bytes = type == TF_FLOAT ? 4 : 2;
    for (const int64_t length : shape) bytes *= length;
    outputs_[i] = TF_AllocateOutput(context_, i, type, shape.begin(), static_cast<int>(shape.size()), bytes, status_);
    return ok() ? TF_TensorData(outputs_[i]) : nullptr;
  }

 private:
  static constexpr int kMost = 6, kRanks = 8;
  TF_OpKernelContext *const context_;
  TF_Status *const status_;
  TF_Tensor *inputs_[kMost] = {}, *outputs_[kMost] = {};
};

/* Attributes of an op, one after another; if TensorFlow does not know one it is told so in the end, and makes no kernel. */
class OpAttributes {
 public:
  explicit OpAttributes(TF_OpKernelConstruction *construction) : construction_(construction), status_(TF_NewStatus()) {}
  ~OpAttributes() {
    if (!ok()) TF_OpKernelConstruction_Failure(construction_, status_);
    TF_DeleteStatus(status_);
  }
  OpAttributes(const OpAttributes &) = delete;

  void Get(const char *name, int64_t *value) {
    if (ok()) TF_OpKernelConstruction_GetAttrInt64(construction_, name, value, status_);
  }
  void Get(const char *name, float *value) {
    if (ok()) TF_OpKernelConstruction_GetAttrFloat(construction_, name, value, status_);
  }
  void Get(const char *name, unsigned char *value) {
    if (ok()) TF_OpKernelConstruction_GetAttrBool(construction_, name, value, status_);
  }
  void Get(const char *name, TF_DataType *value) {
    if (ok()) TF_OpKernelConstruction_GetAttrType(construction_, name, value, status_);
  }
  template <int count>
  void Get(const char *name, int64_t (*values)[count]) {
    if (ok()) TF_OpKernelConstruction_GetAttrInt64List(construction_, name, *values, count, status_);
  }

 private:
  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  TF_OpKernelConstruction *const construction_;
  TF_Status *const status_;
};

/* What an op that is told of nothing but `threads` keeps. */
inline void *CreateThreads(TF_OpKernelConstruction *construction) {
  auto *threads = new int64_t(1);
  OpAttributes(construction).Get("threads", threads);
  return threads;
}

inline void DeleteThreads(void *threads) { delete static_cast<int64_t *>(threads); }

#endif  // TUNING_FORK_OP_TENSORS_H_

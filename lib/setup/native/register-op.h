/*
 * How an op of our own becomes known to TensorFlow, through its C interface.
 */
#ifndef TUNING_FORK_REGISTER_OP_H_
#define TUNING_FORK_REGISTER_OP_H_

// Without it `kernels.h` wants headers of TensorFlow's C++ side, of which nothing here needs one.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

#if defined(__x86_64__) && defined(__linux__)
#include <initializer_list>

#include <sys/syscall.h>
#include <unistd.h>

/* The system must allow a process to use tiles; on a processor without them it says no. */
inline bool MayUseTiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0 && __builtin_cpu_supports("avx512bf16");
}

/* What an op reads and gives, as TensorFlow writes it ("x: bfloat16"), and a kernel for processors. */
struct OwnOp {
  const char *name;
  std::initializer_list<const char *> inputs, outputs, attributes;
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*destroy)(void *);
};

/*
 * Whether it is known now: not where this processor may not run it, and not where TensorFlow refuses it. Whoever makes graphs
 * tries an op before.
 */
inline bool Register(const OwnOp &own, bool may = MayUseTiles()) {
  if (!may) return false;
  TF_Status *status = TF_NewStatus();
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(own.name);
  for (const char *input : own.inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char *output : own.outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  for (const char *attribute : own.attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, [](TF_ShapeInferenceContext *context, TF_Status *state) {
    TF_ShapeInferenceContextSetUnknownShape(context, state);
  });
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(own.name, TF_NewKernelBuilder(own.name, "CPU", own.create, own.compute, own.destroy),
                             status);
  const bool known = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return known;
}

#endif
#endif  // TUNING_FORK_REGISTER_OP_H_

/*
 * The op TuningForkGate, for processors with AVX512_BF16: an image in bfloat16 times a number for each of its channels, as
 * squeeze-and-excitation has it (Hu et al. 2017, arXiv:1709.01507). Eigen's product goes number by number.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <algorithm>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

struct Call {
  const uint16_t *x, *gate;
  uint16_t *y;
  /* Of all images, and of one. */
  int64_t all, pixels, channels;
};

void Some(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  for (int64_t i = call.all * part / parts; i < call.all * (part + 1) / parts; i++) {
    const uint16_t *x = call.x + i * call.channels, *gate = call.gate + i / call.pixels * call.channels;
    for (int64_t c = 0; c < call.channels; c += kPairs) {
      const __mmask32 some = FirstOf(call.channels - c);
      const __m512i from = _mm512_maskz_loadu_epi16(some, x + c), by = _mm512_maskz_loadu_epi16(some, gate + c);
      const __m512 low = _mm512_mul_ps(Wide(from, 0), Wide(by, 0)), high = _mm512_mul_ps(Wide(from, 1), Wide(by, 1));
      _mm512_mask_storeu_epi16(call.y + i * call.channels + c, some, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
  }
}

#pragma GCC pop_options

/* Numbers of each part from which on it is worth its while. */
constexpr int64_t kWorth = 1 << 14;

void Compute(void *kernel, TF_OpKernelContext *context) {
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  const int rank = TF_NumDims(tensors.in(0));
  const int64_t count = tensors.Count(0), gates = tensors.Count(1);
  const int64_t channels = rank < 2 ? 0 : TF_Dim(tensors.in(0), rank - 1);
  const int64_t images = rank < 2 ? 0 : TF_Dim(tensors.in(0), 0);
  if (count == 0 || gates != images * channels)
    return tensors.Fail(TF_INVALID_ARGUMENT, "TuningForkGate: not one number for each channel of each image");
  auto *y = static_cast<uint16_t *>(tensors.Result(0, 0));
  if (y == nullptr) return;
  Call call = {tensors.Of<uint16_t>(0), tensors.Of<uint16_t>(1), y, count / channels, count / gates, channels};
  Team::Share(*static_cast<int64_t *>(kernel), count / kWorth, &Some, &call);
}

const bool registered = Register({"TuningForkGate",
                                  {"x: bfloat16", "gate: bfloat16"},
                                  {"y: bfloat16"},
                                  {"threads: int"},
                                  &CreateThreads,
                                  &Compute,
                                  &DeleteThreads},
                                 __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

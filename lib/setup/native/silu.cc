/*
 * The ops TuningForkSilu and TuningForkSiluGradient, for processors with AVX512_BF16: x σ(x) and its gradient in bfloat16.
 *
 * XLA and oneDNN compute the exponential to float32's last digits and divide; of these bfloat16 keeps a third. The
 * result is written over the operand where nobody else reads that.
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

/* 2^t - 1 between -1/2 and 1/2 within 2.7e-6: of t, t², t³ and t⁴, by least squares with weights that follow the error. */
constexpr float kPower[] = {0.69312153f, 0.24022021f, 0.05591969f, 0.00968191f};

/* σ(x) within 1e-4 of itself. */
inline __m512 Sigmoid(__m512 x) {
  // NaN is the second operand, which is what comes out then.
  const __m512 most = _mm512_set1_ps(88), least = _mm512_set1_ps(-88);
  const __m512 t = _mm512_mul_ps(_mm512_max_ps(least, _mm512_min_ps(most, x)), _mm512_set1_ps(-1.44269504f));
  const __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_sub_ps(t, whole), one = _mm512_set1_ps(1);
  __m512 power = _mm512_set1_ps(kPower[3]);
  for (int i = 2; i >= 0; i--) power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(kPower[i]));
  power = _mm512_scalef_ps(_mm512_fmadd_ps(power, rest, one), whole);
  return _mm512_rcp14_ps(_mm512_add_ps(one, power));
}

inline __m512 Silu(__m512 x, __m512) { return _mm512_mul_ps(x, Sigmoid(x)); }

/* dy σ (1 + x (1 − σ)) */
inline __m512 Gradient(__m512 x, __m512 dy) {
  const __m512 sigma = Sigmoid(x), one = _mm512_set1_ps(1);
  return _mm512_mul_ps(_mm512_mul_ps(dy, sigma), _mm512_fmadd_ps(x, _mm512_sub_ps(one, sigma), one));
}

/* Operands and result; `dy` is null where there is none. */
struct Call {
  const uint16_t *x, *dy;
  uint16_t *y;
  int64_t count;
};

template <__m512 (*of)(__m512, __m512)>
void Some(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  const int64_t blocks = Padded(call.count) / kPairs;
  for (int64_t i = blocks * part / parts * kPairs; i < blocks * (part + 1) / parts * kPairs; i += kPairs) {
    const __mmask32 some = FirstOf(call.count - i);
    const __m512i x = _mm512_maskz_loadu_epi16(some, call.x + i);
    const __m512i dy = call.dy == nullptr ? x : _mm512_maskz_loadu_epi16(some, call.dy + i);
    const __m512 low = of(Wide(x, 0), Wide(dy, 0)), high = of(Wide(x, 1), Wide(dy, 1));
    _mm512_mask_storeu_epi16(call.y + i, some, (__m512i)_mm512_cvtne2ps_pbh(high, low));
  }
}

#pragma GCC pop_options

/* Numbers for each core from which on it is worth its while. */
constexpr int64_t kWorth = 1 << 13;

void Compute(void *kernel, TF_OpKernelContext *context) {
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  const bool backward = tensors.in(1) != nullptr;
  const int64_t count = tensors.Count(0);
  if (backward && tensors.Count(1) != count)
    return tensors.Fail(TF_INVALID_ARGUMENT, "TuningForkSiluGradient: operands of two sizes");
  // The last operand's memory serves: the gradient that came in, or x.
  auto *y = static_cast<uint16_t *>(tensors.Result(0, backward ? 1 : 0));
  if (!tensors.ok()) return;
  Call call = {tensors.Of<uint16_t>(0), tensors.Of<uint16_t>(1), y, count};
  Team::Share(*static_cast<int64_t *>(kernel), count / kWorth, backward ? &Some<Gradient> : &Some<Silu>, &call);
}

const bool may = __builtin_cpu_supports("avx512bf16");
const bool registered =
    Register({"TuningForkSilu", {"x: bfloat16"}, {"y: bfloat16"}, {"threads: int"}, &CreateThreads, &Compute, &DeleteThreads},
             may);
const bool registeredGradient = Register(
    {"TuningForkSiluGradient", {"x: bfloat16", "dy: bfloat16"}, {"dx: bfloat16"}, {"threads: int"}, &CreateThreads, &Compute,
     &DeleteThreads},
    may);

}  // namespace

#endif

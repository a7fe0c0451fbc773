/*
 * The ops TuningForkSilu and TuningForkSiluGradient, for processors with AVX512_BF16: x σ(x) and its gradient in bfloat16.
 *
 * XLA and oneDNN compute the exponential to float32's last digits and divide; of these bfloat16 keeps a third. The
 * result is written over the operand where nobody else reads that.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

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

inline __m512 Wide(__m512i x, int half) {
  const __m256i some = half == 0 ? _mm512_castsi512_si256(x) : _mm512_extracti64x4_epi64(x, 1);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(some), 16));
}

/* Operands and result; `dy` is null where there is none. */
struct Call {
  const uint16_t *x, *dy;
  uint16_t *y;
  int64_t count;
};

template <__m512 (*of)(__m512, __m512)>
void Some(void *what, int member, int members) {
  const Call &call = *static_cast<const Call *>(what);
  const int64_t blocks = Padded(call.count) / kPairs;
  for (int64_t i = blocks * member / members * kPairs; i < blocks * (member + 1) / members * kPairs; i += kPairs) {
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
/* Dimensions that a tensor may have. */
constexpr int kRanks = 8;

void *Create(TF_OpKernelConstruction *construction) {
  TF_Status *status = TF_NewStatus();
  auto *threads = new int64_t(1);
  TF_OpKernelConstruction_GetAttrInt64(construction, "threads", threads, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return threads;
}

void Delete(void *kernel) { delete static_cast<int64_t *>(kernel); }

void Compute(void *kernel, TF_OpKernelContext *context) {
  TF_Status *status = TF_NewStatus();
  const int inputs = TF_NumInputs(context);
  TF_Tensor *tensors[3] = {};
  for (int i = 0; i < inputs && i < 2 && TF_GetCode(status) == TF_OK; i++) TF_GetInput(context, i, &tensors[i], status);
  auto &[x, dy, y] = tensors;
  const int64_t count = TF_GetCode(status) == TF_OK ? TF_TensorElementCount(x) : 0;
  if (dy != nullptr && TF_TensorElementCount(dy) != count)
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "TuningForkSiluGradient: operands of two sizes");
  const int rank = TF_GetCode(status) == TF_OK ? TF_NumDims(x) : 0;
  if (rank > kRanks) TF_SetStatus(status, TF_INVALID_ARGUMENT, "TuningForkSilu: more than eight dimensions");
  if (TF_GetCode(status) == TF_OK) {
    int64_t shape[kRanks];
    for (int i = 0; i < rank; i++) shape[i] = TF_Dim(x, i);
    // The last operand's memory serves: the gradient that came in, or x.
    const int candidate = inputs - 1;
    int forwarded = -1;
    y = TF_ForwardInputOrAllocateOutput(context, &candidate, 1, 0, shape, rank, &forwarded, status);
  }
  if (TF_GetCode(status) == TF_OK) {
    const auto at = [](TF_Tensor *tensor) { return static_cast<uint16_t *>(TF_TensorData(tensor)); };
    Call call = {at(x), dy == nullptr ? nullptr : at(dy), at(y), count};
    const int64_t worth = std::max<int64_t>(1, count / kWorth);
    const auto members = static_cast<int>(std::min(*static_cast<int64_t *>(kernel), worth));
    Team::Share(members, dy == nullptr ? &Some<Silu> : &Some<Gradient>, &call);
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor *tensor : tensors)
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

const bool may = __builtin_cpu_supports("avx512bf16");
const bool registered =
    Register({"TuningForkSilu", {"x: bfloat16"}, {"y: bfloat16"}, {"threads: int"}, &Create, &Compute, &Delete}, may);
const bool registeredGradient = Register(
    {"TuningForkSiluGradient", {"x: bfloat16", "dy: bfloat16"}, {"dx: bfloat16"}, {"threads: int"}, &Create, &Compute, &Delete},
    may);

}  // namespace

#endif

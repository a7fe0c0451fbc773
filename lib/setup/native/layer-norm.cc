/*
 * The ops TuningForkLayerNorm and TuningForkLayerNormGradient, for processors with AVX512_BF16: a layer norm (Ba et al. 2016,
 * arXiv:1607.06450), and its gradients by its input, scale and offset, in float32 or bfloat16.
 *
 * A row is read once from memory: its mean and variance, and backward then with n = (x - mean) / deviation, g = scale dy
 * dx = (g - the mean of g - n times the mean of g n) / deviation, while dy n and dy are summed over rows.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <algorithm>
#include <cmath>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

/* Rows are summed over in so many shares, so that sums are the same by however many cores. */
constexpr int64_t kShares = 16;
/* Rows whose sums are added up before they go into longer ones. */
constexpr int64_t kBlock = 128;
/* Numbers for each core from which on it is worth its while. */
constexpr int64_t kWorth = 1 << 14;

struct Kept {
  int64_t threads = 1;
  float epsilon = 0;
};

struct Call {
  const void *x, *dy;
  const float *scale, *offset;
  /* The norm, or the gradient by x. */
  void *result;
  int64_t rows, features;
  float epsilon;
  bool low;
  /* Of each share the sums of dy n and of dy, and those of a block of rows. */
  float *sums;
};

/* Of a row: its mean, and one by its deviation. */
struct Statistics {
  __m512 mean, inverse;
};

template <class T>
inline Statistics StatisticsOf(const T *x, const Call &call) {
  const int64_t features = call.features;
  const float share = 1.f / features;
  __m512 sum = _mm512_setzero_ps(), squares = sum;
  for (int64_t c = 0; c < features; c += kTile) sum = _mm512_add_ps(sum, Load(x + c, Lanes(features - c)));
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) * share);
  for (int64_t c = 0; c < features; c += kTile) {
    const __mmask16 some = Lanes(features - c);
    const __m512 from = _mm512_maskz_sub_ps(some, Load(x + c, some), mean);
    squares = _mm512_fmadd_ps(from, from, squares);
  }
  return {mean, _mm512_set1_ps(1 / std::sqrt(_mm512_reduce_add_ps(squares) * share + call.epsilon))};
}

template <class T>
void SomeRows(const Call &call, int part, int parts) {
  const int64_t features = call.features;
  for (int64_t i = call.rows * part / parts; i < call.rows * (part + 1) / parts; i++) {
    const T *x = static_cast<const T *>(call.x) + i * features;
    T *y = static_cast<T *>(call.result) + i * features;
    const auto [mean, inverse] = StatisticsOf(x, call);
    for (int64_t c = 0; c < features; c += kTile) {
      const __mmask16 some = Lanes(features - c);
      const __m512 n = _mm512_mul_ps(_mm512_sub_ps(Load(x + c, some), mean), inverse);
      Store(y + c, some, _mm512_fmadd_ps(n, Load(call.scale + c, some), Load(call.offset + c, some)));
    }
  }
}

void Norms(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  if (call.low) SomeRows<uint16_t>(call, part, parts);
  else SomeRows<float>(call, part, parts);
}

template <class T>
void Row(const T *x, const T *dy, T *dx, const Call &call, float *along, float *level) {
  const int64_t features = call.features;
  const float share = 1.f / features;
  const auto [mean, inverse] = StatisticsOf(x, call);
  __m512 first = _mm512_setzero_ps(), second = first;
  for (int64_t c = 0; c < features; c += kTile) {
    const __mmask16 some = Lanes(features - c);
    const __m512 n = _mm512_mul_ps(_mm512_maskz_sub_ps(some, Load(x + c, some), mean), inverse), back = Load(dy + c, some);
    const __m512 g = _mm512_mul_ps(back, Load(call.scale + c, some));
    first = _mm512_add_ps(first, g);
    second = _mm512_fmadd_ps(g, n, second);
    Store(along + c, some, _mm512_fmadd_ps(back, n, Load(along + c, some)));
    Store(level + c, some, _mm512_add_ps(back, Load(level + c, some)));
  }
  const __m512 flat = _mm512_set1_ps(_mm512_reduce_add_ps(first) * share);
  const __m512 slope = _mm512_set1_ps(_mm512_reduce_add_ps(second) * share);
  for (int64_t c = 0; c < features; c += kTile) {
    const __mmask16 some = Lanes(features - c);
    const __m512 n = _mm512_mul_ps(_mm512_sub_ps(Load(x + c, some), mean), inverse);
    const __m512 g = _mm512_mul_ps(Load(dy + c, some), Load(call.scale + c, some));
    Store(dx + c, some, _mm512_mul_ps(_mm512_fnmadd_ps(n, slope, _mm512_sub_ps(g, flat)), inverse));
  }
}

template <class T>
void Share(const Call &call, int64_t share) {
  const int64_t features = call.features;
  float *sums = call.sums + share * 4 * features, *block = sums + 2 * features;
  std::fill_n(sums, 2 * features, 0.f);
  const int64_t end = call.rows * (share + 1) / kShares;
  for (int64_t from = call.rows * share / kShares; from < end; from += kBlock) {
    std::fill_n(block, 2 * features, 0.f);
    for (int64_t i = from; i < std::min(from + kBlock, end); i++)
      Row(static_cast<const T *>(call.x) + i * features, static_cast<const T *>(call.dy) + i * features,
          static_cast<T *>(call.result) + i * features, call, block, block + features);
    for (int64_t c = 0; c < 2 * features; c++) sums[c] += block[c];
  }
}

void SomeShares(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  for (int64_t i = kShares * part / parts; i < kShares * (part + 1) / parts; i++)
    if (call.low) Share<uint16_t>(call, i);
    else Share<float>(call, i);
}

#pragma GCC pop_options

void *Create(TF_OpKernelConstruction *construction) {
  auto *kept = new Kept();
  OpAttributes attributes(construction);
  attributes.Get("threads", &kept->threads);
  attributes.Get("epsilon", &kept->epsilon);
  return kept;
}

void Delete(void *kept) { delete static_cast<Kept *>(kept); }

/* Whether operand `row` has a number for each of a row, and `other` as many as it should. */
bool Fit(OpTensors &tensors, int row, int other, bool is_whole) {
  if (!tensors.ok()) return false;
  const int64_t features = tensors.Count(row), count = tensors.Count(0);
  const bool fits = features > 0 && count > 0 && count % features == 0 && tensors.Count(other) == (is_whole ? count : features);
  if (!fits) tensors.Fail(TF_INVALID_ARGUMENT, "operands of a layer norm do not fit together");
  return fits;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  const Kept &kept = *static_cast<Kept *>(kernel);
  OpTensors tensors(context);
  if (!Fit(tensors, 1, 2, false)) return;
  const int64_t features = tensors.Count(1), count = tensors.Count(0);
  Call call = {tensors.Of<void>(0), nullptr, tensors.Of<float>(1), tensors.Of<float>(2), tensors.Result(0, -1),
               count / features, features, kept.epsilon, TF_TensorType(tensors.in(0)) == TF_BFLOAT16, nullptr};
  if (call.result != nullptr) Team::Share(kept.threads, count / kWorth, &Norms, &call);
}

void ComputeGradients(void *kernel, TF_OpKernelContext *context) {
  const Kept &kept = *static_cast<Kept *>(kernel);
  OpTensors tensors(context);
  if (!Fit(tensors, 2, 1, true)) return;
  const int64_t features = tensors.Count(2), count = tensors.Count(0);
  void *dx = tensors.Result(0, -1);
  auto *dscale = static_cast<float *>(tensors.Result(1, TF_FLOAT, {features}));
  auto *doffset = static_cast<float *>(tensors.Result(2, TF_FLOAT, {features}));
  if (doffset == nullptr) return;
  Scratch scratch;
  auto *sums = reinterpret_cast<float *>(scratch.Of(4 * kShares * 4 * features));
  if (sums == nullptr) return tensors.Fail(TF_RESOURCE_EXHAUSTED, "a layer norm's gradient has no room to be computed in");
  Call call = {tensors.Of<void>(0), tensors.Of<void>(1), tensors.Of<float>(2), nullptr, dx, count / features, features, kept.epsilon,
               TF_TensorType(tensors.in(0)) == TF_BFLOAT16, sums};
  Team::Share(kept.threads, std::min(kShares, count / kWorth), &SomeShares, &call);
  std::copy_n(sums, features, dscale);
  std::copy_n(sums + features, features, doffset);
  for (int64_t share = 1; share < kShares; share++)
    for (int64_t c = 0; c < features; c++) {
      dscale[c] += sums[share * 4 * features + c];
      doffset[c] += sums[(share * 4 + 1) * features + c];
    }
}

const bool may = __builtin_cpu_supports("avx512bf16");
const bool registered = Register({"TuningForkLayerNorm",
                                  {"x: T", "scale: float", "offset: float"},
                                  {"y: T"},
                                  {"T: {float, bfloat16}", "epsilon: float", "threads: int"},
                                  &Create, &Compute, &Delete},
                                 may) &&
                        Register({"TuningForkLayerNormGradient",
                                  {"x: T", "dy: T", "scale: float"},
                                  {"dx: T", "dscale: float", "doffset: float"},
                                  {"T: {float, bfloat16}", "epsilon: float", "threads: int"},
                                  &Create, &ComputeGradients, &Delete},
                                 may);

}  // namespace

#endif

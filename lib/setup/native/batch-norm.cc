/*
 * The ops TuningForkBatchNorm and TuningForkBatchNormGradient, for processors with AVX512_BF16: batch normalization in
 * training (Ioffe & Szegedy 2015, arXiv:1502.03167) in bfloat16 or float32, with the ReLU after it where there is one.
 *
 * oneDNN's kernels read an image three times, wait for one another after each, and want channels in multiples of 16. Here an image is
 * read twice, as rows of as many numbers as fill whole registers whatever the channels, and the second time from its end, of which the
 * cache still has something.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

/* Numbers in a register. */
constexpr int64_t kLanes = 16;
/* Numbers of a row at least; rows whose sums are added up before they go into longer ones; rows that are read together. */
constexpr int64_t kRow = 128, kBlock = 128, kTogether = 4;
/* Numbers for each core from which on it is worth its while, and of which the level is taken that sums are about. */
constexpr int64_t kWorth = 1 << 14, kLevel = 1 << 12;

struct Op {
  bool low, relu;
  float epsilon, momentum;
  int64_t threads;
};

/* Values of each number of a row: those of its channel. */
enum Along { kMean, kFactor, kOffset, kSlope, kShift, kAlongs };

struct Call {
  const Op &op;
  const void *x, *dy;
  void *result;
  int64_t numbers, channels, row, shares;
  float *along[kAlongs];
  /* Of each share: two sums for each number of a row. */
  double *sums;
  float *block;

  /* Rows of a share; the last one may be short. */
  int64_t First(int64_t share) const { return (numbers + row - 1) / row * share / shares; }
};

inline __mmask16 Lanes(int64_t n) { return n >= kLanes ? 0xffff : n <= 0 ? 0 : (1u << n) - 1; }

inline __m512 Load(const float *from, __mmask16 some) { return _mm512_maskz_loadu_ps(some, from); }
inline __m512 Load(const uint16_t *from, __mmask16 some) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, from)), 16));
}
inline void Store(float *to, __mmask16 some, __m512 value) { _mm512_mask_storeu_ps(to, some, value); }
inline void Store(uint16_t *to, __mmask16 some, __m512 value) {
  _mm256_mask_storeu_epi16(to, some, (__m256i)_mm512_cvtneps_pbh(value));
}

/*
 * What is summed and what is computed, forward and backward, of `rows` rows from the number `at` on, of each of which `count` numbers
 * are there.
 */
template <class T, bool backward, bool relu>
struct Of {
  template <int rows>
  static void Sum(const Call &call, int64_t at, int64_t count, float *sums) {
    const T *x = static_cast<const T *>(call.x) + at, *dy = static_cast<const T *>(call.dy) + at;
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = Lanes(count - i);
      const __m512 mean = _mm512_loadu_ps(call.along[kMean] + i);
      __m512 first = _mm512_loadu_ps(sums + i), second = _mm512_loadu_ps(sums + call.row + i);
#pragma GCC unroll 4
      for (int j = 0; j < rows; j++) {
        const __m512 off = _mm512_maskz_sub_ps(some, Load(x + j * call.row + i, some), mean);
        if (backward) {
          const __m512 slope = Passed(call, i, off, Load(dy + j * call.row + i, some));
          first = _mm512_add_ps(first, slope);
          second = _mm512_fmadd_ps(slope, off, second);
        } else {
          first = _mm512_add_ps(first, off);
          second = _mm512_fmadd_ps(off, off, second);
        }
      }
      _mm512_storeu_ps(sums + i, first);
      _mm512_storeu_ps(sums + call.row + i, second);
    }
  }

  template <int rows>
  static void Compute(const Call &call, int64_t at, int64_t count, float *) {
    const T *x = static_cast<const T *>(call.x) + at, *dy = static_cast<const T *>(call.dy) + at;
    T *result = static_cast<T *>(call.result) + at;
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = Lanes(count - i);
      const auto of = [&](Along what) { return _mm512_loadu_ps(call.along[what] + i); };
      const __m512 mean = of(kMean), factor = of(kFactor), slope = of(kSlope), shift = of(kShift);
#pragma GCC unroll 4
      for (int j = 0; j < rows; j++) {
        const __m512 off = _mm512_sub_ps(Load(x + j * call.row + i, some), mean);
        const __m512 value =
            backward ? _mm512_fmadd_ps(factor, Passed(call, i, off, Load(dy + j * call.row + i, some)),
                                       _mm512_fmadd_ps(off, slope, shift))
                     : Rectified(Normal(call, i, off));
        Store(result + j * call.row + i, some, value);
      }
    }
  }

 private:
  static __m512 Normal(const Call &call, int64_t i, __m512 off) {
    return _mm512_fmadd_ps(off, _mm512_loadu_ps(call.along[kFactor] + i), _mm512_loadu_ps(call.along[kOffset] + i));
  }
  /* NaN is the second operand, which is what comes out then. */
  static __m512 Rectified(__m512 y) { return relu ? _mm512_max_ps(_mm512_setzero_ps(), y) : y; }
  /* The gradient that a ReLU lets through. */
  static __m512 Passed(const Call &call, int64_t i, __m512 off, __m512 dy) {
    if (!relu) return dy;
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(Normal(call, i, off), _mm512_setzero_ps(), _CMP_GT_OQ), dy);
  }
};

/* `some` rows at a time, and the last of those from `begin` to `end` one by one. */
template <void (*some)(const Call &, int64_t, int64_t, float *), void (*one)(const Call &, int64_t, int64_t, float *)>
void Rows(const Call &call, int64_t begin, int64_t end, float *sums) {
  for (; begin + kTogether < end; begin += kTogether) some(call, begin * call.row, call.row, sums);
  for (; begin < end; begin++) one(call, begin * call.row, std::min(call.row, call.numbers - begin * call.row), sums);
}

template <class Form>
void SumShare(void *what, int share, int) {
  const Call &call = *static_cast<const Call *>(what);
  double *sums = call.sums + 2 * call.row * share;
  float *block = call.block + 2 * call.row * share;
  std::fill_n(sums, 2 * call.row, 0.0);
  const int64_t end = call.First(share + 1);
  for (int64_t begin = call.First(share); begin < end; begin += kBlock) {
    std::fill_n(block, 2 * call.row, 0.0f);
    Rows<&Form::template Sum<kTogether>, &Form::template Sum<1>>(call, begin, std::min(begin + kBlock, end), block);
    for (int64_t i = 0; i < 2 * call.row; i++) sums[i] += block[i];
  }
}

template <class Form>
void ComputeShare(void *what, int share, int) {
  const Call &call = *static_cast<const Call *>(what);
  const int64_t first = call.First(share);
  for (int64_t end = call.First(share + 1); end > first; end -= std::min(kBlock, end - first))
    Rows<&Form::template Compute<kTogether>, &Form::template Compute<1>>(call, std::max(first, end - kBlock), end, nullptr);
}

#pragma GCC pop_options

/* Values of channels, repeated along a row. */
void Repeat(const Call &call, float *along) {
  for (int64_t i = call.channels; i < call.row; i++) along[i] = along[i - call.channels];
}

/* The sums of a channel: those of all shares and of each place in a row that is the channel's. */
double SumOf(const Call &call, int64_t channel, int64_t which) {
  double sum = 0;
  for (int64_t share = 0; share < call.shares; share++)
    for (int64_t i = channel; i < call.row; i += call.channels) sum += call.sums[(2 * share + which) * call.row + i];
  return sum;
}

/* What the ops are given and give, as they are called in TensorFlow. */
enum Given { kX, kScale, kBeta, kRunningMean, kRunningVariance };
enum GivenBack { kDy, kXBack, kScaleBack, kBetaBack, kMeanBack, kVarianceBack };

/* Both readings of an image. */
struct Steps {
  Team::Work sum, compute;
};

template <bool backward>
Steps StepsOf(const Op &op) {
  if (op.low)
    return op.relu ? Steps{&SumShare<Of<uint16_t, backward, true>>, &ComputeShare<Of<uint16_t, backward, true>>}
                   : Steps{&SumShare<Of<uint16_t, backward, false>>, &ComputeShare<Of<uint16_t, backward, false>>};
  return op.relu ? Steps{&SumShare<Of<float, backward, true>>, &ComputeShare<Of<float, backward, true>>}
                 : Steps{&SumShare<Of<float, backward, false>>, &ComputeShare<Of<float, backward, false>>};
}

/* A call, with memory for it. What does not fit together, and where there is none, is said of the tensors. */
Call CallOf(const Op &op, OpTensors &tensors, int image, int scale) {
  static thread_local Scratch scratch;
  TF_Tensor *x = tensors.in(image);
  const int rank = TF_NumDims(x);
  const int64_t numbers = tensors.Count(image), channels = rank > 0 ? TF_Dim(x, rank - 1) : 0;
  Call call = {op, TF_TensorData(x), nullptr, nullptr, numbers, channels, 0, 0, {}, nullptr, nullptr};
  bool fits = numbers > 0 && channels > 0;
  for (int i = scale; fits && i < image + 5; i++) fits = tensors.Count(i) == channels;
  if (image > 0) fits = fits && tensors.Count(kDy) == numbers;
  if (!fits) {
    tensors.Fail(TF_INVALID_ARGUMENT, "TuningForkBatchNorm: operands whose sizes do not fit together");
    return call;
  }
  const int64_t whole = std::lcm(channels, kLanes);
  call.row = (kRow + whole - 1) / whole * whole;
  call.shares = std::clamp<int64_t>(std::min(op.threads, numbers / kWorth), 1, (numbers + call.row - 1) / call.row);
  char *memory = scratch.Of(call.row * (kAlongs * 4 + call.shares * 2 * (8 + 4)));
  if (memory == nullptr) {
    tensors.Fail(TF_RESOURCE_EXHAUSTED, "TuningForkBatchNorm: no room to compute in");
    return call;
  }
  call.sums = reinterpret_cast<double *>(memory);
  call.block = reinterpret_cast<float *>(call.sums + call.shares * 2 * call.row);
  for (int i = 0; i < kAlongs; i++) call.along[i] = call.block + (call.shares * 2 + i) * call.row;
  return call;
}

void Forward(void *kernel, TF_OpKernelContext *context) {
  const Op &op = *static_cast<const Op *>(kernel);
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  Call call = CallOf(op, tensors, kX, kScale);
  if (!tensors.ok()) return;
  const int64_t channels = call.channels, pixels = call.numbers / channels;
  call.result = tensors.Result(kX, -1);
  float *out[5] = {};
  for (int i = 1; i < 5; i++) out[i] = tensors.Numbers(i, channels);
  if (!tensors.ok()) return;
  const auto shares = static_cast<int>(call.shares);
  const Steps steps = StepsOf<false>(op);
  // Squares of numbers far from zero would lose what varies: sums are about the mean of the first pixels.
  Call first = call;
  first.shares = 1;
  first.numbers = std::min(call.numbers, (kLevel + call.row - 1) / call.row * call.row);
  std::fill_n(call.along[kMean], call.row, 0.0f);
  steps.sum(&first, 0, 1);
  for (int64_t c = 0; c < channels; c++)
    call.along[kMean][c] = static_cast<float>(SumOf(first, c, 0) * channels / first.numbers);
  Repeat(call, call.along[kMean]);
  Team::Share(shares, steps.sum, &call);
  const float keep = 1 - op.momentum;
  for (int64_t c = 0; c < channels; c++) {
    const double off = SumOf(call, c, 0) / pixels;
    const double variance = std::max(0.0, SumOf(call, c, 1) / pixels - off * off);
    const double mean = call.along[kMean][c] + off;
    const double unbiased = variance * pixels / std::max<int64_t>(1, pixels - 1);
    const auto moved = [&](Given running, double now) {
      return keep == 0 ? now : keep * tensors.Of<float>(running)[c] + op.momentum * now;
    };
    out[1][c] = static_cast<float>(moved(kRunningMean, mean));
    out[2][c] = static_cast<float>(moved(kRunningVariance, unbiased));
    out[3][c] = static_cast<float>(mean);
    out[4][c] = static_cast<float>(variance);
  }
  for (int64_t c = 0; c < channels; c++) {
    call.along[kMean][c] = out[3][c];
    call.along[kFactor][c] = tensors.Of<float>(kScale)[c] / std::sqrt(out[4][c] + op.epsilon);
    call.along[kOffset][c] = tensors.Of<float>(kBeta)[c];
  }
  for (const Along what : {kMean, kFactor, kOffset}) Repeat(call, call.along[what]);
  Team::Share(shares, steps.compute, &call);
}

void Backward(void *kernel, TF_OpKernelContext *context) {
  const Op &op = *static_cast<const Op *>(kernel);
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  Call call = CallOf(op, tensors, kXBack, kScaleBack);
  if (!tensors.ok()) return;
  const int64_t channels = call.channels;
  const double pixels = static_cast<double>(call.numbers / channels);
  call.dy = tensors.Of<void>(kDy);
  call.result = tensors.Result(kXBack, kDy);
  float *scales = tensors.Numbers(1, channels), *offsets = tensors.Numbers(2, channels);
  if (!tensors.ok()) return;
  for (int64_t c = 0; c < channels; c++) {
    call.along[kMean][c] = tensors.Of<float>(kMeanBack)[c];
    call.along[kFactor][c] = tensors.Of<float>(kScaleBack)[c] / std::sqrt(tensors.Of<float>(kVarianceBack)[c] + op.epsilon);
    call.along[kOffset][c] = tensors.Of<float>(kBetaBack)[c];
  }
  for (const Along what : {kMean, kFactor, kOffset}) Repeat(call, call.along[what]);
  const auto shares = static_cast<int>(call.shares);
  const Steps steps = StepsOf<true>(op);
  Team::Share(shares, steps.sum, &call);
  for (int64_t c = 0; c < channels; c++) {
    const double inverse = 1 / std::sqrt(static_cast<double>(tensors.Of<float>(kVarianceBack)[c]) + op.epsilon);
    const double sum = SumOf(call, c, 0), along = SumOf(call, c, 1), factor = call.along[kFactor][c];
    offsets[c] = static_cast<float>(sum);
    scales[c] = static_cast<float>(along * inverse);
    call.along[kShift][c] = static_cast<float>(-factor * sum / pixels);
    call.along[kSlope][c] = static_cast<float>(-factor * inverse * inverse * along / pixels);
  }
  for (const Along what : {kShift, kSlope}) Repeat(call, call.along[what]);
  Team::Share(shares, steps.compute, &call);
}

void *Create(TF_OpKernelConstruction *construction) {
  TF_Status *status = TF_NewStatus();
  auto *op = new Op();
  TF_DataType type = TF_FLOAT;
  unsigned char relu = 0;
  const auto ok = [&] { return TF_GetCode(status) == TF_OK; };
  TF_OpKernelConstruction_GetAttrType(construction, "T", &type, status);
  if (ok()) TF_OpKernelConstruction_GetAttrBool(construction, "relu", &relu, status);
  if (ok()) TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &op->epsilon, status);
  if (ok()) TF_OpKernelConstruction_GetAttrFloat(construction, "momentum", &op->momentum, status);
  if (ok()) TF_OpKernelConstruction_GetAttrInt64(construction, "threads", &op->threads, status);
  if (!ok()) TF_OpKernelConstruction_Failure(construction, status);
  op->low = type == TF_BFLOAT16;
  op->relu = relu != 0;
  TF_DeleteStatus(status);
  return op;
}

void Delete(void *kernel) { delete static_cast<Op *>(kernel); }

const bool may = __builtin_cpu_supports("avx512bf16");
const auto attributes = {"T: {bfloat16, float}", "epsilon: float", "momentum: float", "relu: bool", "threads: int"};
const bool registered = Register(
    {"TuningForkBatchNorm",
     {"x: T", "scale: float", "offset: float", "running_mean: float", "running_variance: float"},
     {"y: T", "moved_mean: float", "moved_variance: float", "mean: float", "variance: float"},
     attributes, &Create, &Forward, &Delete},
    may);
const bool registeredGradient = Register(
    {"TuningForkBatchNormGradient",
     {"dy: T", "x: T", "scale: float", "offset: float", "mean: float", "variance: float"},
     {"dx: T", "dscale: float", "doffset: float"},
     attributes, &Create, &Backward, &Delete},
    may);

}  // namespace

#endif

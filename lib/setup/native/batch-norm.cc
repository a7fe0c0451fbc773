/*
 * The ops TuningForkBatchNorm and TuningForkBatchNormGradient, for processors with AVX512_BF16: batch normalization in
 * training (Ioffe & Szegedy 2015, arXiv:1502.03167) in bfloat16 or float32, with the ReLU after it where there is one.
 *
 * oneDNN's kernels read an image three times, wait for one another after each, and want channels in multiples of 16. Here an image is
 * read twice, as rows of as many numbers as fill whole registers whatever the channels, and the second time from its end, of which the
 * cache still has something.
 */
#include "batch-norm-rows.h"
#include "register-op.h"

#ifdef TILES

#include "op-tensors.h"

#include <cmath>
#include <numeric>

namespace {

/* Numbers for each core from which on it is worth its while, and of which the level is taken that sums are about. */
constexpr int64_t kWorth = 1 << 14, kLevel = 1 << 12;

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
  const int64_t whole = std::lcm<int64_t>(channels, kTile);
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
  for (int i = 1; i < 5; i++) out[i] = static_cast<float *>(tensors.Result(i, TF_FLOAT, {channels}));
  if (!tensors.ok()) return;
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
  Team::Share(call.shares, call.shares, steps.sum, &call);
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
  Team::Share(call.shares, call.shares, steps.compute, &call);
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
  auto *scales = static_cast<float *>(tensors.Result(1, TF_FLOAT, {channels}));
  auto *offsets = static_cast<float *>(tensors.Result(2, TF_FLOAT, {channels}));
  if (!tensors.ok()) return;
  for (int64_t c = 0; c < channels; c++) {
    call.along[kMean][c] = tensors.Of<float>(kMeanBack)[c];
    call.along[kFactor][c] = tensors.Of<float>(kScaleBack)[c] / std::sqrt(tensors.Of<float>(kVarianceBack)[c] + op.epsilon);
    call.along[kOffset][c] = tensors.Of<float>(kBetaBack)[c];
  }
  for (const Along what : {kMean, kFactor, kOffset}) Repeat(call, call.along[what]);
  const Steps steps = StepsOf<true>(op);
  Team::Share(call.shares, call.shares, steps.sum, &call);
  for (int64_t c = 0; c < channels; c++) {
    const double inverse = 1 / std::sqrt(static_cast<double>(tensors.Of<float>(kVarianceBack)[c]) + op.epsilon);
    const double sum = SumOf(call, c, 0), along = SumOf(call, c, 1), factor = call.along[kFactor][c];
    offsets[c] = static_cast<float>(sum);
    scales[c] = static_cast<float>(along * inverse);
    call.along[kShift][c] = static_cast<float>(-factor * sum / pixels);
    call.along[kSlope][c] = static_cast<float>(-factor * inverse * inverse * along / pixels);
  }
  for (const Along what : {kShift, kSlope}) Repeat(call, call.along[what]);
  Team::Share(call.shares, call.shares, steps.compute, &call);
}

void *Create(TF_OpKernelConstruction *construction) {
  auto *op = new Op();
  TF_DataType type = TF_FLOAT;
  unsigned char relu = 0;
  OpAttributes attributes(construction);
  attributes.Get("T", &type);
  attributes.Get("relu", &relu);
  attributes.Get("epsilon", &op->epsilon);
  attributes.Get("momentum", &op->momentum);
  attributes.Get("threads", &op->threads);
  op->low = type == TF_BFLOAT16;
  op->relu = relu != 0;
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

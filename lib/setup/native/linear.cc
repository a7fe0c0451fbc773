/*
 * The op TuningForkLinear, for processors with AMX: a linear layer of weights that stay, or a convolution by 1 × 1 filters, with what
 * follows it, in bfloat16.
 *
 * y = x w + b, then GELU or a residual sum, then ReLU. oneDNN's kernels for it give an op of one image to threads that sleep between two
 * ops, and leave the tiles waiting while results are brought into bfloat16. Here each core takes its columns of the
 * weights, and finishes 32 rows and columns while the next ones are multiplied.
 */
#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "kept.h"
#include "op-tensors.h"
#include "team.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/* Weights of a layer from `in` to `out` numbers in the order of tiles, 32 of `out` together. */
class Weights {
 public:
  Weights(TF_Tensor *tensor, bool transposed, int64_t in, int64_t out)
      : tensor_(tensor), packed_(static_cast<uint16_t *>(std::aligned_alloc(64, 2 * in * Padded(out)))) {
    if (packed_ == nullptr) return;
    const auto *from = static_cast<const uint16_t *>(TF_TensorData(tensor));
    for (int64_t n = 0; n < out; n += kPairs) {
      const int64_t count = std::min<int64_t>(kPairs, out - n);
      if (transposed) PackRows(from + n * in, in, count, in, packed_ + n * in, kTileSize, 2 * kTileSize);
      else PackColumns(from + n, out, in, count, packed_ + n * in, kTileSize, 2 * kTileSize);
    }
  }
  ~Weights() {
    std::free(packed_);
    TF_DeleteTensor(tensor_);
  }

  const uint16_t *packed() const { return packed_; }

 private:
  TF_Tensor *const tensor_;
  uint16_t *const packed_;
};

/* A layer, made anew for each graph that has it. */
struct Linear {
  int64_t rows, in, out, threads;
  unsigned char transposed, gelu, relu;
  /* Whether results are in float32. */
  bool wide = false;
  std::shared_ptr<const Weights> weights;
  /* Zeros from `out` on. */
  std::vector<float> bias;
};

/* An op's operands and result; `last` are the rows after the last whole 32, if there are any. */
struct Call {
  const Linear &layer;
  const uint16_t *x, *last;
  const void *residual;
  void *y;
};

/* The numbers of z P(z²), which is erf up to `kEnd` within 6e-5 and counts as 1 beyond; as `passes/short-erf.ts` has them. */
constexpr float kEnd = 2.85f;
constexpr float kErf[] = {1.1280349493026733f,   -0.3739359974861145f,   0.1087263822555542f,   -0.023311326280236244f,
                          0.003515190677717328f, -0.00034729213803075254f, 1.9906636225641705e-5f, -4.971724365532282e-7f};

/* ½ x (1 + erf(x / √2)). */
inline __m512 Gelu(__m512 x) {
  const __m512 end = _mm512_set1_ps(kEnd), half = _mm512_set1_ps(0.5f);
  __m512 z = _mm512_mul_ps(x, _mm512_set1_ps(0.70710678f));
  z = _mm512_max_ps(_mm512_min_ps(z, end), _mm512_sub_ps(_mm512_setzero_ps(), end));
  const __m512 square = _mm512_mul_ps(z, z);
  __m512 p = _mm512_set1_ps(kErf[7]);
  for (int i = 6; i >= 0; i--) p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(kErf[i]));
  return _mm512_mul_ps(x, _mm512_fmadd_ps(_mm512_mul_ps(p, z), half, half));
}

enum class After { kNothing, kGelu, kResidual, kWideResidual };

/* 32 rows and columns of a result, or fewer, as they come from the tiles. */
struct Block {
  int64_t row = 0, column = 0, rows = 0;
  const float *sums = nullptr;
};

/* Finish some rows of a block. */
template <After after>
inline __attribute__((always_inline)) void Finish(const Call &call, const Block &block, int64_t from, int64_t to) {
  const Linear &layer = call.layer;
  const float *bias = layer.bias.data() + block.column;
  const __m512 left = _mm512_loadu_ps(bias), right = _mm512_loadu_ps(bias + kTile);
  const __mmask32 some = FirstOf(layer.out - block.column);
  const __mmask16 lower = some & 0xffff, upper = some >> 16;
  for (int64_t i = from; i < to; i++) {
    const int64_t at = (block.row + i) * layer.out + block.column;
    __m512 a = _mm512_add_ps(_mm512_load_ps(block.sums + i * kPairs), left);
    __m512 b = _mm512_add_ps(_mm512_load_ps(block.sums + i * kPairs + kTile), right);
    if (after == After::kGelu) a = Gelu(a), b = Gelu(b);
    if (after == After::kResidual) {
      const auto *residual = static_cast<const uint16_t *>(call.residual) + at;
      a = _mm512_add_ps(a, Load(residual, lower)), b = _mm512_add_ps(b, Load(residual + kTile, upper));
    }
    if (after == After::kWideResidual) {
      const auto *residual = static_cast<const float *>(call.residual) + at;
      a = _mm512_add_ps(a, Load(residual, lower));
      b = _mm512_add_ps(b, Load(residual + kTile, upper));
    }
    // A NaN stays one.
    if (layer.relu) a = _mm512_max_ps(_mm512_setzero_ps(), a), b = _mm512_max_ps(_mm512_setzero_ps(), b);
    if (layer.wide) {
      auto *y = static_cast<float *>(call.y) + at;
      _mm512_mask_storeu_ps(y, lower, a);
      _mm512_mask_storeu_ps(y + kTile, upper, b);
    } else
      _mm512_mask_storeu_epi16(static_cast<uint16_t *>(call.y) + at, some, (__m512i)_mm512_cvtne2ps_pbh(b, a));
  }
}

/* Blocks of rows whose operands stay in the cache while all weights pass by: 256 rows of a layer from 1536 numbers. */
constexpr int64_t kCached = 768 * 1024;

/* Bytes by which weights are fetched ahead that are read once. */
constexpr int64_t kSoon = 16 * 1024;

/* Bytes that come from memory together. */
constexpr int64_t kLine = 64;

/* The blocks of one of several cores, columns after columns: each core reads its own weights. */
template <After after>
void SomeBlocks(void *what, int part, int parts) {
  const Call &call = *static_cast<const Call *>(what);
  const Linear &layer = call.layer;
  const int64_t deep = layer.in / kPairs, panels = Padded(layer.out) / kPairs, blocks = Padded(layer.rows) / kPairs;
  const int64_t most = std::max<int64_t>(1, kCached / (2 * kPairs * layer.in));
  const int64_t all = panels * blocks, end = all * (part + 1) / parts;
  const Tiles tiles(static_cast<uint8_t>(std::min<int64_t>(kTile, layer.rows)));
  alignas(64) float sums[2][kPairs * kPairs];
  Block before;
  for (int64_t i = all * part / parts, turn = 0; i < end; i++, turn ^= 1) {
    // Groups of blocks, in each of these panels, in each of these blocks.
    const int64_t group = i / (panels * most), first = group * most, count = std::min(most, blocks - first);
    const int64_t within = i - first * panels, panel = within / count, row = (first + within % count) * kPairs;
    const Block now = {row, panel * kPairs, std::min<int64_t>(kPairs, layer.rows - row), sums[turn]};
    const uint16_t *x = now.rows == kPairs ? call.x + row * layer.in : call.last;
    const uint16_t *w = layer.weights->packed() + now.column * layer.in;
    const int64_t each = (before.rows + deep - 1) / deep;
    // Each block of a panel has its share of the next panel fetched, or of what comes soon where a panel is long.
    const int64_t length = 2 * kPairs * layer.in, ahead = count > 1 ? length : std::min(length, kSoon);
    const char *next = reinterpret_cast<const char *>(w) + (panel + 1 < panels ? ahead : 0);
    const int64_t lines = (kPairs + count - 1) / count;
    next += within % count * deep * lines * kLine;
    int64_t done = 0;
    Multiply(x, layer.in, w, kTileSize, 2 * kTileSize, deep, now.rows > kTile, sums[turn], kPairs, [&](int64_t) {
      for (int64_t j = 0; j < lines; j++, next += kLine) __builtin_prefetch(next, 0, 2);
      const int64_t to = std::min(done + each, before.rows);
      Finish<after>(call, before, done, to);
      done = to;
    });
    before = now;
  }
  Finish<after>(call, before, 0, before.rows);
}

#pragma GCC pop_options

void *Create(TF_OpKernelConstruction *construction) {
  auto *layer = new Linear();
  int64_t sizes[3] = {};
  TF_DataType result = TF_BFLOAT16;
  OpAttributes attributes(construction);
  attributes.Get("sizes", &sizes);
  attributes.Get("threads", &layer->threads);
  attributes.Get("transposed", &layer->transposed);
  attributes.Get("gelu", &layer->gelu);
  attributes.Get("relu", &layer->relu);
  attributes.Get("T", &result);
  layer->rows = sizes[0], layer->in = sizes[1], layer->out = sizes[2];
  layer->wide = result == TF_FLOAT;
  return layer;
}

/* What stays: weights in the order of tiles, and a bias in float32. They are taken from the first call. */
bool TakeWeights(Linear &layer, TF_Tensor *weights, const TF_Tensor *bias) {
  layer.bias.assign(Padded(layer.out), 0);
  const auto *from = static_cast<const uint16_t *>(TF_TensorData(bias));
  for (int64_t i = 0; i < layer.out; i++) {
    const uint32_t bits = static_cast<uint32_t>(from[i]) << 16;
    std::memcpy(&layer.bias[i], &bits, sizeof bits);
  }
  layer.weights = KeptOf<Weights>(weights, layer.transposed, layer.in, layer.out);
  if (layer.weights->packed() != nullptr) return true;
  layer.weights = nullptr;
  return false;
}

/* Computes one call; false where there is no room for it. */
bool Run(const Linear &layer, const uint16_t *x, const TF_Tensor *residual, void *y) {
  static thread_local Scratch scratch;
  const int64_t whole = layer.rows / kPairs * kPairs, rest = layer.rows - whole;
  const uint16_t *last = x;
  // Tiles are read whole, but for those of up to 16 rows in all.
  if (rest > 0 && layer.rows > kTile) {
    char *copy = scratch.Of(2 * kPairs * layer.in);
    if (copy == nullptr) return false;
    std::memcpy(copy, x + whole * layer.in, 2 * rest * layer.in);
    last = reinterpret_cast<uint16_t *>(copy);
  }
  Call call = {layer, x, last,
               residual == nullptr ? nullptr : TF_TensorData(residual), y};
  const Team::Work work = residual == nullptr ? layer.gelu ? &SomeBlocks<After::kGelu> : &SomeBlocks<After::kNothing>
                          : TF_TensorType(residual) == TF_FLOAT ? &SomeBlocks<After::kWideResidual>
                                                                : &SomeBlocks<After::kResidual>;
  Team::Share(layer.threads, layer.threads, work, &call);
  return true;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  Linear &layer = *static_cast<Linear *>(kernel);
  TF_Status *status = TF_NewStatus();
  const int count = TF_NumInputs(context);
  TF_Tensor *tensors[5] = {};
  for (int i = 0; i < count && i < 4 && TF_GetCode(status) == TF_OK; i++) TF_GetInput(context, i, &tensors[i], status);
  auto &[x, weights, bias, residual, y] = tensors;
  const int64_t results = layer.rows * layer.out;
  if (TF_GetCode(status) == TF_OK &&
      (layer.in % kPairs != 0 || TF_TensorElementCount(x) != layer.rows * layer.in ||
       TF_TensorElementCount(weights) != layer.in * layer.out || TF_TensorElementCount(bias) != layer.out ||
       (residual != nullptr && TF_TensorElementCount(residual) != results)))
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "TuningForkLinear: an operand has another size");
  if (TF_GetCode(status) == TF_OK) {
    const int64_t shape[] = {layer.rows, layer.out};
    y = TF_AllocateOutput(context, 0, layer.wide ? TF_FLOAT : TF_BFLOAT16, shape, 2, (layer.wide ? 4 : 2) * results,
                          status);
  }
  if (TF_GetCode(status) == TF_OK) {
    bool room = true;
    if (layer.weights == nullptr) {
      room = TakeWeights(layer, weights, bias);
      weights = nullptr;
    }
    if (!room || !Run(layer, static_cast<uint16_t *>(TF_TensorData(x)), residual, TF_TensorData(y)))
      TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "TuningForkLinear: no room to compute in");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor *tensor : tensors)
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

void Delete(void *kernel) { delete static_cast<Linear *>(kernel); }

const bool registered = Register(
    {"TuningForkLinear",
     {"x: bfloat16", "w: bfloat16", "b: bfloat16", "residual: R"},
     {"y: T"},
     {"T: {bfloat16, float}", "R: list({bfloat16, float}) >= 0", "sizes: list(int)", "threads: int", "transposed: bool",
      "gelu: bool", "relu: bool"},
     &Create,
     &Compute,
     &Delete});

}  // namespace

#endif

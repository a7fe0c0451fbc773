/*
 * The op TuningForkWinograd, for processors with AVX512_BF16: a convolution by 3 × 3 filters of stride 1 over images with a margin
 * of zeros, or its gradient by the image, with what follows it, in float32. See winograd.h; 2.25 times fewer products than oneDNN's
 * convolution has.
 *
 * A core takes some tiles from the image to the result while they are in its cache.
 */
#include "register-op.h"
#include "winograd.h"

#ifdef TILES

#include "kept.h"
#include "op-tensors.h"
#include "team.h"

#include <atomic>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* In each group a convolution from `in` to `out` channels, or a gradient, which is one from the filter's `out` to its `in`. */
struct Layer {
  Tiling of;
  int64_t in, out, groups, threads = 1;
  /* A gradient's filters never stay. */
  unsigned char gradient = 0, keeps = 0, relu = 0;

  int64_t panels() const { return (out + kAcross - 1) / kAcross; }
  /* Numbers of the points of a group's filters. */
  int64_t weights() const { return kPoints * panels() * kAcross * in; }
  /* Tiles that are done together: the more, the more seldom weights come from memory, and the less stays in the cache. */
  int64_t together() const { return in * out < kWide ? 28 : 56; }

 private:
  static constexpr int64_t kWide = 1 << 17;
};

struct FilterCall {
  const Layer &layer;
  const float *filter;
  float *points;
};

/* The points of 16 filters, of which the pixels are given in their order; they lie `apart`. */
inline void PointsOfFilter(const __m512 (&g)[9], float *points, int64_t apart) {
  const __m512 half = _mm512_set1_ps(0.5f);
  __m512 columns[4][3];
#pragma GCC unroll 3
  for (int x = 0; x < 3; x++) {
    const __m512 ends = _mm512_add_ps(g[x], g[6 + x]);
    columns[0][x] = g[x];
    columns[1][x] = _mm512_mul_ps(half, _mm512_add_ps(ends, g[3 + x]));
    columns[2][x] = _mm512_mul_ps(half, _mm512_sub_ps(ends, g[3 + x]));
    columns[3][x] = g[6 + x];
  }
#pragma GCC unroll 4
  for (int y = 0; y < 4; y++) {
    const __m512 *c = columns[y], ends = _mm512_add_ps(c[0], c[2]);
    float *row = points + 4 * y * apart;
    _mm512_store_ps(row, c[0]);
    _mm512_store_ps(row + apart, _mm512_mul_ps(half, _mm512_add_ps(ends, c[1])));
    _mm512_store_ps(row + 2 * apart, _mm512_mul_ps(half, _mm512_sub_ps(ends, c[1])));
    _mm512_store_ps(row + 3 * apart, c[2]);
  }
}

/* The points of some filters: of each group in panels of 32 results, for which all channels follow one another. */
void SomeFilters(void *what, int part, int parts) {
  const auto &[layer, filter, points] = *static_cast<FilterCall *>(what);
  const int64_t in = layer.in, out = layer.out, apart = layer.panels() * kAcross * in, each = 2 * layer.panels();
  const int64_t all = layer.groups * each, row = layer.groups * (layer.gradient ? in : out);
  alignas(64) float turned[kPoints][kTile][kTile];
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const int64_t group = i / each, first = i % each * kTile;
    const float *from = filter + group * (layer.gradient ? in : out);
    float *to = points + group * layer.weights() + first / kAcross * kAcross * in + first % kAcross;
    const __mmask16 some = Lanes(out - first);
    if (!layer.gradient)
      for (int64_t k = 0; k < in; k++) {
        __m512 g[9];
#pragma GCC unroll 9
        for (int at = 0; at < 9; at++) g[at] = Load(from + (at * in + k) * row + first, some);
        PointsOfFilter(g, to + k * kAcross, apart);
      }
    else
      // Turned by 180°, and its rows, which lie along `in`, to columns.
      for (int64_t k = 0; k < in; k += kTile) {
        for (int64_t j = 0; j < kTile; j++) {
          __m512 g[9];
          const __mmask16 there = first + j < out ? Lanes(in - k) : 0;
#pragma GCC unroll 9
          for (int at = 0; at < 9; at++) g[at] = Load(from + ((8 - at) * out + first + j) * row + k, there);
          PointsOfFilter(g, turned[0][j], kTile * kTile);
        }
        for (int point = 0; point < kPoints; point++) {
          __m512i rows[kTile];
          for (int j = 0; j < kTile; j++) rows[j] = _mm512_load_si512(turned[point][j]);
          Transpose(rows);
          for (int64_t j = 0; j < std::min<int64_t>(kTile, in - k); j++)
            _mm512_store_si512(to + point * apart + (k + j) * kAcross, rows[j]);
        }
      }
  }
}

struct Call {
  const Layer &layer;
  const float *x, *points, *bias, *residual;
  float *y;
  std::atomic<bool> room{true};
};

/* Two by two pixels from their 16 points, which lie `apart`, with what is added and ReLU. */
inline void PixelsOfPoints(const Call &call, int64_t group, const float *points, int64_t apart, float *const *pixels) {
  const int64_t out = call.layer.out;
  for (int64_t c = 0; c < out; c += kTile) {
    const __mmask16 some = Lanes(out - c);
    const __m512 bias = call.bias == nullptr ? _mm512_setzero_ps() : Load(call.bias + group * out + c, some);
    __m512 columns[2][4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const float *m = points + x * apart + c;
      const __m512 m1 = _mm512_load_ps(m + 4 * apart), m2 = _mm512_load_ps(m + 8 * apart);
      columns[0][x] = _mm512_add_ps(_mm512_load_ps(m), _mm512_add_ps(m1, m2));
      columns[1][x] = _mm512_sub_ps(_mm512_sub_ps(m1, m2), _mm512_load_ps(m + 12 * apart));
    }
#pragma GCC unroll 4
    for (int at = 0; at < 4; at++) {
      const __m512 *m = columns[at / 2];
      if (pixels[at] == nullptr) continue;
      __m512 y = at % 2 == 0 ? _mm512_add_ps(m[0], _mm512_add_ps(m[1], m[2])) : _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
      y = _mm512_add_ps(y, bias);
      if (call.residual != nullptr) y = _mm512_add_ps(y, Load(call.residual + (pixels[at] - call.y) + c, some));
      // A NaN stays one.
      if (call.layer.relu) y = _mm512_max_ps(_mm512_setzero_ps(), y);
      Store(pixels[at] + c, some, y);
    }
  }
}

void SomeTiles(void *what, int part, int parts) {
  static thread_local Scratch scratch;
  Call &call = *static_cast<Call *>(what);
  const Layer &layer = call.layer;
  const Tiling &of = layer.of;
  const int64_t from = of.count() * part / parts, to = of.count() * (part + 1) / parts, together = layer.together();
  const int64_t in = (layer.in + kTile - 1) / kTile * kTile, out = layer.panels() * kAcross;
  // Points lie a line further apart than they need, so that they do not all share the same few places of the cache.
  const int64_t x_apart = together * in + kTile, y_apart = together * out + kTile;
  auto *memory = reinterpret_cast<float *>(scratch.Of(sizeof(float) * (in + kPoints * (x_apart + y_apart))));
  if (memory == nullptr) {
    call.room = false;
    return;
  }
  float *x = memory + in, *y = x + kPoints * x_apart;
  std::fill(memory, x, 0.0f);
  const float *zeros = memory;
  for (int64_t group = 0; group < layer.groups; group++)
    for (int64_t first = from; first < to; first += together) {
      const int64_t count = std::min(together, to - first);
      for (int64_t i = 0; i < count; i++) {
        const float *pixels[16];
        of.Pixels(call.x + group * layer.in, layer.groups * layer.in, first + i, 1, zeros, pixels);
        PointsOfImage(pixels, 0, layer.in, x + i * in, x_apart);
      }
      const float *weights = call.points + group * layer.weights();
      for (int64_t point = 0; point < kPoints; point++)
        for (int64_t c = 0; c < out; c += kAcross, weights += kAcross * layer.in)
          MultiplyRows<false>({x + point * x_apart, in, 1, weights, layer.in, y + point * y_apart + c, out}, count);
      for (int64_t i = 0; i < count; i++) {
        float *pixels[4];
        of.Pixels<float>(call.y + group * layer.out, layer.groups * layer.out, first + i, 0, nullptr, pixels);
        PixelsOfPoints(call, group, y + i * out, y_apart, pixels);
      }
    }
}

#pragma GCC pop_options

/* Points of filters that stay. */
class Points {
 public:
  Points(TF_Tensor *filter, int64_t in, int64_t out, int64_t groups) : filter_(filter) {
    const Layer layer = {{}, in, out, groups};
    points_ = static_cast<float *>(std::aligned_alloc(kCacheLine, sizeof(float) * groups * layer.weights()));
    if (points_ == nullptr) return;
    FilterCall call = {layer, static_cast<const float *>(TF_TensorData(filter)), points_};
    SomeFilters(&call, 0, 1);
  }
  ~Points() {
    std::free(points_);
    TF_DeleteTensor(filter_);
  }
  Points(const Points &) = delete;

  const float *get() const { return points_; }

 private:
  TF_Tensor *const filter_;
  float *points_;
};

/* An op, made anew for each graph that has it. */
struct Op {
  Layer layer;
  std::shared_ptr<const Points> kept;
};

void *Create(TF_OpKernelConstruction *construction) {
  auto *op = new Op();
  Layer &layer = op->layer;
  int64_t sizes[6] = {};
  OpAttributes attributes(construction);
  attributes.Get("sizes", &sizes);
  attributes.Get("threads", &layer.threads);
  attributes.Get("gradient", &layer.gradient);
  attributes.Get("keeps", &layer.keeps);
  attributes.Get("relu", &layer.relu);
  layer.of = {sizes[0], sizes[1], sizes[2]}, layer.in = sizes[3], layer.out = sizes[4], layer.groups = sizes[5];
  return op;
}

/* The points of the filters, which those of training have computed in each call; null where there is no room. */
const float *PointsOf(Op &op, OpTensors &tensors) {
  static thread_local Scratch scratch;
  const Layer &layer = op.layer;
  if (layer.keeps) {
    if (op.kept == nullptr) op.kept = KeptOf<Points>(tensors.Take(1), layer.in, layer.out, layer.groups);
    return op.kept->get();
  }
  auto *points = reinterpret_cast<float *>(scratch.Of(sizeof(float) * layer.groups * layer.weights()));
  FilterCall call = {layer, tensors.Of<float>(1), points};
  if (points != nullptr) Team::Share(layer.threads, 2 * layer.groups * layer.panels(), &SomeFilters, &call);
  return points;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  Op &op = *static_cast<Op *>(kernel);
  const Layer &layer = op.layer;
  const auto &[images, height, width] = layer.of;
  const int64_t in = layer.groups * layer.in, out = layer.groups * layer.out;
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  const int64_t pixels = images * height * width;
  const int added = TF_NumInputs(context) - 2;
  if (tensors.Count(0) != pixels * in || tensors.Count(1) != 9 * in * layer.out || (added > 0 && tensors.Count(2) != out) ||
      (added > 1 && tensors.Count(3) != pixels * out) || added > 2)
    return tensors.Fail(TF_INVALID_ARGUMENT, "TuningForkWinograd: an operand has another size");
  auto *y = static_cast<float *>(tensors.Result(0, TF_FLOAT, {images, height, width, out}));
  if (y == nullptr) return;
  Call call = {layer, tensors.Of<float>(0), PointsOf(op, tensors), tensors.Of<float>(2), tensors.Of<float>(3), y};
  if (call.points != nullptr) Team::Share(layer.threads, layer.threads, &SomeTiles, &call);
  if (call.points == nullptr || !call.room)
    tensors.Fail(TF_RESOURCE_EXHAUSTED, "TuningForkWinograd: no room to compute in");
}

void Delete(void *kernel) { delete static_cast<Op *>(kernel); }

const bool registered = Register({"TuningForkWinograd",
                                  {"x: float", "w: float", "added: N * float"},
                                  {"y: float"},
                                  {"N: int >= 0", "sizes: list(int)", "threads: int", "gradient: bool", "keeps: bool", "relu: bool"},
                                  &Create,
                                  &Compute,
                                  &Delete},
                                 __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

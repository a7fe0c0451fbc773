/*
 * The op TuningForkWinogradGradient, for processors with AVX512_BF16: the gradient by its filters of what TuningForkWinograd
 * computes, in float32. See winograd.h; here a tile of the result's gradient is the filter, and nine results come from the
 * 16 products: m0 + m1 + m2, m1 - m2, and m1 + m2 - m3 with g0, (g0 + g1) / 2, (g0 - g1) / 2 and g1.
 *
 * Each core has its channels of the images, so that sums are the same by however many.
 */
#include "register-op.h"
#include "winograd.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <atomic>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* Tiles that are done together, and sums that stay in a core's cache. */
constexpr int64_t kTogether = 64, kSums = 128 * 1024;

struct Op {
  Tiling of;
  /* Channels of each group. */
  int64_t in, out, groups, threads;

  int64_t panels() const { return (out + kAcross - 1) / kAcross; }
};

struct Call {
  const Op &op;
  const float *x, *dy;
  float *dw;
  std::atomic<bool> room{true};
};

/* The 16 points of a tile of the result's gradient, which lie `apart`, in panels of 32 channels, which lie `panel` apart. */
inline void PointsOfGradient(const float *const *pixels, int64_t channels, float *points, int64_t apart, int64_t panel) {
  const __m512 half = _mm512_set1_ps(0.5f);
  for (int64_t c = 0; c < channels; c += kTile) {
    const __mmask16 some = Lanes(channels - c);
    float *to = points + c / kAcross * panel + c % kAcross;
    __m512 columns[4][2];
#pragma GCC unroll 2
    for (int x = 0; x < 2; x++) {
      const __m512 above = Load(pixels[x] + c, some), below = Load(pixels[2 + x] + c, some);
      columns[0][x] = above;
      columns[1][x] = _mm512_mul_ps(half, _mm512_add_ps(above, below));
      columns[2][x] = _mm512_mul_ps(half, _mm512_sub_ps(above, below));
      columns[3][x] = below;
    }
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++) {
      const __m512 left = columns[y][0], right = columns[y][1];
      float *row = to + 4 * y * apart;
      _mm512_store_ps(row, left);
      _mm512_store_ps(row + apart, _mm512_mul_ps(half, _mm512_add_ps(left, right)));
      _mm512_store_ps(row + 2 * apart, _mm512_mul_ps(half, _mm512_sub_ps(left, right)));
      _mm512_store_ps(row + 3 * apart, right);
    }
  }
}

/* What a core computes in. */
struct Room {
  /* Results that are done together. */
  int64_t results;
  float *x, *dy, *sums, *zeros;
  int64_t x_apart, dy_apart, sums_apart;
};

/* The nine places of a group's filters from the sums of their points: of channels `from` to `to`, some results from `first` on. */
inline void FiltersOfSums(const Call &call, const Room &room, int64_t group, int64_t from, int64_t to, int64_t first) {
  const int64_t out = call.op.out, all = call.op.groups * out, in = call.op.in, apart = room.sums_apart;
  const int64_t results = std::min(room.results, out - first);
  const float *sums = room.sums;
  for (int64_t k = from; k < to; k++, sums += room.results)
    for (int64_t c = 0; c < results; c += kTile) {
      const __mmask16 some = Lanes(results - c);
      __m512 columns[3][4];
#pragma GCC unroll 4
      for (int x = 0; x < 4; x++) {
        const float *m = sums + x * apart + c;
        const __m512 m1 = _mm512_load_ps(m + 4 * apart), m2 = _mm512_load_ps(m + 8 * apart);
        const __m512 both = _mm512_add_ps(m1, m2);
        columns[0][x] = _mm512_add_ps(_mm512_load_ps(m), both);
        columns[1][x] = _mm512_sub_ps(m1, m2);
        columns[2][x] = _mm512_sub_ps(both, _mm512_load_ps(m + 12 * apart));
      }
#pragma GCC unroll 3
      for (int y = 0; y < 3; y++) {
        const __m512 *m = columns[y], both = _mm512_add_ps(m[1], m[2]);
        float *dw = call.dw + (3 * y * in + k) * all + group * out + first + c;
        Store(dw, some, _mm512_add_ps(m[0], both));
        Store(dw + in * all, some, _mm512_sub_ps(m[1], m[2]));
        Store(dw + 2 * in * all, some, _mm512_sub_ps(both, m[3]));
      }
    }
}

/* Filters of a group, of channels `from` to `to`, for some results from `first_result` on. */
void Filters(const Call &call, const Room &room, int64_t group, int64_t from, int64_t to, int64_t first_result) {
  const Op &op = call.op;
  const Tiling &of = op.of;
  const int64_t in = (to - from + kTile - 1) / kTile * kTile, results = std::min(room.results, op.out - first_result);
  for (int64_t first = 0; first < of.count(); first += kTogether) {
    const int64_t count = std::min(kTogether, of.count() - first);
    for (int64_t i = 0; i < count; i++) {
      const float *pixels[16];
      of.Pixels<const float>(call.x + group * op.in, op.groups * op.in, first + i, 1, room.zeros, pixels);
      PointsOfImage(pixels, from, to, room.x + i * in, room.x_apart);
      of.Pixels<const float>(call.dy + group * op.out + first_result, op.groups * op.out, first + i, 0, room.zeros, pixels);
      PointsOfGradient(pixels, results, room.dy + i * kAcross, room.dy_apart, kTogether * kAcross);
    }
    for (int64_t point = 0; point < kPoints; point++)
      for (int64_t c = 0; c < results; c += kAcross) {
        const float *gradients = room.dy + point * room.dy_apart + c * kTogether;
        float *sums = room.sums + point * room.sums_apart + c;
        const Product product = {room.x + point * room.x_apart, 1, in, gradients, count, sums, room.results};
        if (first == 0) MultiplyRows<false>(product, to - from);
        else MultiplyRows<true>(product, to - from);
      }
  }
  FiltersOfSums(call, room, group, from, to, first_result);
}

/* Filters of some channels of the images. */
void SomeChannels(void *what, int part, int parts) {
  static thread_local Scratch scratch;
  Call &call = *static_cast<Call *>(what);
  const Op &op = call.op;
  const int64_t each = (op.in + kTile - 1) / kTile, all = op.groups * each;
  const int64_t begin = all * part / parts, end = all * (part + 1) / parts;
  const int64_t in = std::min(each, end - begin) * kTile, most = std::max(op.in, op.out);
  if (in == 0) return;
  Room room = {};
  room.results = std::clamp(kSums / (kPoints * in) / kAcross * kAcross, kAcross, op.panels() * kAcross);
  // A line further than they need, as in winograd.cc.
  room.x_apart = kTogether * in + kTile, room.dy_apart = kTogether * room.results + kTile;
  room.sums_apart = in * room.results + kTile;
  const int64_t points = kPoints * (room.x_apart + room.dy_apart + room.sums_apart);
  room.x = reinterpret_cast<float *>(scratch.Of(sizeof(float) * (points + most)));
  if (room.x == nullptr) {
    call.room = false;
    return;
  }
  room.dy = room.x + kPoints * room.x_apart;
  room.sums = room.dy + kPoints * room.dy_apart;
  room.zeros = room.sums + kPoints * room.sums_apart;
  std::fill(room.zeros, room.zeros + most, 0.0f);
  for (int64_t i = begin; i < end;) {
    const int64_t group = i / each, next = std::min(end, (group + 1) * each);
    for (int64_t result = 0; result < op.out; result += room.results)
      Filters(call, room, group, (i - group * each) * kTile, std::min(op.in, (next - group * each) * kTile), result);
    i = next;
  }
}

#pragma GCC pop_options

void *Create(TF_OpKernelConstruction *construction) {
  auto *op = new Op();
  int64_t sizes[6] = {};
  OpAttributes attributes(construction);
  attributes.Get("sizes", &sizes);
  attributes.Get("threads", &op->threads);
  op->of = {sizes[0], sizes[1], sizes[2]}, op->in = sizes[3], op->out = sizes[4], op->groups = sizes[5];
  return op;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  const Op &op = *static_cast<Op *>(kernel);
  OpTensors tensors(context);
  if (!tensors.ok()) return;
  const int64_t pixels = op.of.images * op.of.height * op.of.width;
  if (pixels == 0 || tensors.Count(0) != pixels * op.groups * op.in ||
      tensors.Count(1) != pixels * op.groups * op.out)
    return tensors.Fail(TF_INVALID_ARGUMENT, "TuningForkWinogradGradient: an operand has another size");
  auto *dw = static_cast<float *>(tensors.Result(0, TF_FLOAT, {3, 3, op.in, op.groups * op.out}));
  if (dw == nullptr) return;
  Call call = {op, tensors.Of<float>(0), tensors.Of<float>(1), dw};
  Team::Share(op.threads, op.threads, &SomeChannels, &call);
  if (!call.room) tensors.Fail(TF_RESOURCE_EXHAUSTED, "TuningForkWinogradGradient: no room to compute in");
}

void Delete(void *kernel) { delete static_cast<Op *>(kernel); }

const bool registered = Register({"TuningForkWinogradGradient",
                                  {"x: float", "dy: float"},
                                  {"dw: float"},
                                  {"sizes: list(int)", "threads: int"},
                                  &Create,
                                  &Compute,
                                  &Delete},
                                 __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

/*
 * The op TuningForkAttention, for processors with AMX: softmax(s q kT) v of every head, in bfloat16.
 *
 * TensorFlow computes it in seven ops, each of which writes its result to memory and reads the one before: heads to
 * the front, scores, softmax, weighted values, heads back. Here 32 queries at a time stay in the cache from their
 * scores to their result (the tiling, not the running maximum, of Dao et al. 2022, arXiv:2205.14135), and queries,
 * keys and values are read where they lie. One core computes it: graphs give each core a part of the batch.
 *
 * Elsewhere, and by other compilers than GCC from 11 on, nothing is registered; whoever makes graphs tries it first.
 */
// Without it `kernels.h` wants headers of TensorFlow's C++ side, of which nothing here needs one.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && __GNUC__ >= 11

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace {

/* Where the heads of one operand lie in its tensor, in elements; the numbers of a head's token lie side by side. */
struct View {
  int64_t offset, batch, head, token;
};

struct Attention {
  int64_t batch, heads, queries, keys, size;
  View q, k, v;
  float scale;
};

/*
 * Memory that a thread keeps from call to call, aligned for tiles. What is left in it of another call is multiplied, but not
 * into rows that anybody reads.
 */
class Scratch {
 public:
  ~Scratch() { std::free(memory_); }

  /* At least so many bytes; null where there are none. */
  char *Of(size_t bytes) {
    if (bytes > size_) {
      std::free(memory_);
      size_ = (bytes + 4095) / 4096 * 4096;
      memory_ = static_cast<char *>(std::aligned_alloc(64, size_));
      if (memory_ == nullptr) size_ = 0;
    }
    return memory_;
  }

 private:
  char *memory_ = nullptr;
  size_t size_ = 0;
};

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/* Rows of a tile, and 32-bit numbers in one of its rows. */
constexpr int kTile = 16;
/* bfloat16 numbers in a row of a tile, which are multiplied in pairs. */
constexpr int kPairs = 32;
/* bfloat16 numbers in a tile. */
constexpr int kTileSize = kTile * kPairs;

inline int64_t Padded(int64_t n) { return (n + kPairs - 1) / kPairs * kPairs; }

inline __mmask32 FirstOf(int64_t n) {
  return n >= kPairs ? ~0u : n <= 0 ? 0u : (1u << n) - 1;
}

/* 16 rows of 16 numbers of 32 bits, rows to columns. */
inline void Transpose(__m512i r[kTile]) {
  __m512i t[kTile];
  for (int i = 0; i < kTile; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < kTile; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < kTile; i += 8)
    for (int j = 0; j < 4; j++) {
      t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xdd);
    }
  for (int j = 0; j < 8; j++) {
    r[j] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0x88);
    r[j + 8] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0xdd);
  }
}

/* Keys as the second operand of q kT: of each 16 keys and 32 numbers a tile, pairs of numbers down, keys across. */
void PackKeys(const uint16_t *k, int64_t stride, int64_t keys, int64_t size, uint16_t *to) {
  const int64_t width = Padded(size), height = Padded(keys);
  __m512i rows[kTile];
  for (int64_t n = 0; n < height; n += kTile)
    for (int64_t c = 0; c < width; c += kPairs, to += kTileSize) {
      const __mmask32 some = FirstOf(size - c);
      for (int j = 0; j < kTile; j++)
        rows[j] = n + j < keys ? _mm512_maskz_loadu_epi16(some, k + (n + j) * stride + c)
                               : _mm512_setzero_si512();
      Transpose(rows);
      for (int j = 0; j < kTile; j++) _mm512_store_si512(to + j * kPairs, rows[j]);
    }
}

/* Values as the second operand of w v: of each 32 keys and 16 numbers a tile, pairs of keys down, numbers across. */
void PackValues(const uint16_t *v, int64_t stride, int64_t keys, int64_t size, uint16_t *to) {
  alignas(64) uint16_t order[2][kPairs];
  for (int j = 0; j < kTile; j++)
    for (int half = 0; half < 2; half++) {
      order[half][2 * j] = kTile * half + j;
      order[half][2 * j + 1] = kPairs + kTile * half + j;
    }
  const __m512i low = _mm512_load_si512(order[0]), high = _mm512_load_si512(order[1]);
  const int64_t width = Padded(size), height = Padded(keys);
  for (int64_t n = 0; n < height; n += kPairs)
    for (int64_t c = 0; c < width; c += kPairs, to += 2 * kTileSize) {
      const __mmask32 some = FirstOf(size - c);
      for (int j = 0; j < kTile; j++) {
        const int64_t row = n + 2 * j;
        const __m512i a = _mm512_maskz_loadu_epi16(row < keys ? some : 0, v + row * stride + c);
        const __m512i b = _mm512_maskz_loadu_epi16(row + 1 < keys ? some : 0, v + (row + 1) * stride + c);
        _mm512_store_si512(to + j * kPairs, _mm512_permutex2var_epi16(a, low, b));
        _mm512_store_si512(to + kTileSize + j * kPairs, _mm512_permutex2var_epi16(a, high, b));
      }
    }
}

/*
 * 32 rows of a times 32 columns of b, `count` tiles deep, into 32 rows of c. The tiles of b's columns lie `across`
 * elements apart, those below one another `down`.
 */
inline void Multiply(const uint16_t *a, int64_t a_stride, const uint16_t *b, int64_t across, int64_t down,
                     int64_t count, bool both, float *c, int64_t c_stride) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < count; i++, b += down) {
    _tile_loadd(4, a + i * kPairs, a_stride * sizeof(*a));
    _tile_loadd(6, b, 2 * kPairs);
    _tile_loadd(7, b + across, 2 * kPairs);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!both) continue;
    _tile_loadd(5, a + kTile * a_stride + i * kPairs, a_stride * sizeof(*a));
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, c_stride * sizeof(*c));
  _tile_stored(1, c + kTile, c_stride * sizeof(*c));
  if (!both) return;
  _tile_stored(2, c + kTile * c_stride, c_stride * sizeof(*c));
  _tile_stored(3, c + kTile * c_stride + kTile, c_stride * sizeof(*c));
}

/* 2^x to 3e-6 by its series around the nearest whole number. A NaN stays one. */
inline __m512 PowerOfTwo(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-126.f), x);
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(1.33335581e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.61812911e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.55041087e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.40226507e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93147181e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, whole);
}

/* exp(scale (x - the largest x)) of a row, in bfloat16; next to nothing (2^-126) up to its padded end. Returns the sum. */
float Exponentials(float *x, int64_t count, float scale, uint16_t *to) {
  const int64_t padded = Padded(count);
  const __m512 nothing = _mm512_set1_ps(-INFINITY);
  for (int64_t i = count / kTile * kTile; i < padded; i += kTile) {
    const __mmask16 some = FirstOf(count - i) & 0xffff;
    _mm512_store_ps(x + i, _mm512_mask_blend_ps(some, nothing, _mm512_load_ps(x + i)));
  }
  __m512 largest = nothing;
  for (int64_t i = 0; i < padded; i += kTile) largest = _mm512_max_ps(largest, _mm512_load_ps(x + i));
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  const __m512 by = _mm512_set1_ps(scale * 1.44269504f);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < padded; i += kTile) {
    const __m512 e = PowerOfTwo(_mm512_mul_ps(_mm512_sub_ps(_mm512_load_ps(x + i), top), by));
    sum = _mm512_add_ps(sum, e);
    _mm256_store_si256(reinterpret_cast<__m256i *>(to + i), (__m256i)_mm512_cvtneps_pbh(e));
  }
  return _mm512_reduce_add_ps(sum);
}

struct Buffers {
  uint16_t *keys, *values, *queries, *weights;
  float *scores, *result;
};

/* One head of one image; `y` has its rows `y_stride` elements apart. */
void Head(const Attention &t, const uint16_t *q, const uint16_t *k, const uint16_t *v, uint16_t *y, int64_t y_stride,
          const Buffers &b) {
  const int64_t width = Padded(t.size), height = Padded(t.keys);
  PackKeys(k, t.k.token, t.keys, t.size, b.keys);
  PackValues(v, t.v.token, t.keys, t.size, b.values);
  for (int64_t from = 0; from < t.queries; from += kPairs) {
    const int64_t rows = std::min<int64_t>(kPairs, t.queries - from);
    const bool both = rows > kTile;
    for (int64_t c = 0; c < width; c += kPairs)
      for (int64_t i = 0; i < (both ? kPairs : kTile); i++)
        _mm512_store_si512(b.queries + i * width + c,
                           _mm512_maskz_loadu_epi16(i < rows ? FirstOf(t.size - c) : 0,
                                                    q + (from + i) * t.q.token + c));
    const int64_t deep = width / kPairs;
    for (int64_t n = 0; n < height; n += kPairs)
      Multiply(b.queries, width, b.keys + n / kTile * deep * kTileSize, deep * kTileSize, kTileSize, deep, both,
               b.scores + n, height);
    float sums[kPairs];
    for (int64_t i = 0; i < rows; i++)
      sums[i] = Exponentials(b.scores + i * height, t.keys, t.scale, b.weights + i * height);
    for (int64_t c = 0; c < width; c += kPairs)
      Multiply(b.weights, height, b.values + c / kTile * kTileSize, kTileSize, width / kTile * kTileSize,
               height / kPairs, both, b.result + c, width);
    for (int64_t i = 0; i < rows; i++) {
      const __m512 share = _mm512_set1_ps(1.f / sums[i]);
      for (int64_t c = 0; c < t.size; c += kTile) {
        const __m512 values = _mm512_mul_ps(_mm512_load_ps(b.result + i * width + c), share);
        _mm256_mask_storeu_epi16(y + (from + i) * y_stride + c, FirstOf(t.size - c) & 0xffff,
                                 (__m256i)_mm512_cvtneps_pbh(values));
      }
    }
  }
}

/* Eight tiles of 16 rows of 64 bytes. */
struct alignas(64) TileConfig {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

bool AllHeads(const Attention &t, const uint16_t *q, const uint16_t *k, const uint16_t *v, uint16_t *y) {
  static thread_local Scratch scratch;
  const int64_t width = Padded(t.size), height = Padded(t.keys);
  const int64_t parts[] = {2 * height * width, 2 * height * width, 2 * kPairs * width,
                           2 * kPairs * height, 4 * kPairs * height, 4 * kPairs * width};
  int64_t bytes = 0;
  for (int64_t part : parts) bytes += part;
  char *at = scratch.Of(bytes);
  if (at == nullptr) return false;
  char *places[6];
  for (int i = 0; i < 6; at += parts[i++]) places[i] = at;
  const Buffers buffers = {reinterpret_cast<uint16_t *>(places[0]), reinterpret_cast<uint16_t *>(places[1]),
                           reinterpret_cast<uint16_t *>(places[2]), reinterpret_cast<uint16_t *>(places[3]),
                           reinterpret_cast<float *>(places[4]),    reinterpret_cast<float *>(places[5])};
  const TileConfig config;
  _tile_loadconfig(&config);
  const int64_t y_stride = t.heads * t.size;
  for (int64_t n = 0; n < t.batch; n++)
    for (int64_t h = 0; h < t.heads; h++)
      Head(t, q + t.q.offset + n * t.q.batch + h * t.q.head, k + t.k.offset + n * t.k.batch + h * t.k.head,
           v + t.v.offset + n * t.v.batch + h * t.v.head, y + n * t.queries * y_stride + h * t.size, y_stride,
           buffers);
  _tile_release();
  return true;
}

#pragma GCC pop_options

constexpr char kOp[] = "TuningForkAttention";

void *Create(TF_OpKernelConstruction *construction) {
  TF_Status *status = TF_NewStatus();
  auto *t = new Attention();
  int64_t sizes[5], views[12];
  TF_OpKernelConstruction_GetAttrInt64List(construction, "sizes", sizes, 5, status);
  if (TF_GetCode(status) == TF_OK)
    TF_OpKernelConstruction_GetAttrInt64List(construction, "views", views, 12, status);
  if (TF_GetCode(status) == TF_OK)
    TF_OpKernelConstruction_GetAttrFloat(construction, "scale", &t->scale, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  else {
    t->batch = sizes[0], t->heads = sizes[1], t->queries = sizes[2], t->keys = sizes[3], t->size = sizes[4];
    View *all[] = {&t->q, &t->k, &t->v};
    for (int i = 0; i < 3; i++) *all[i] = {views[4 * i], views[4 * i + 1], views[4 * i + 2], views[4 * i + 3]};
  }
  TF_DeleteStatus(status);
  return t;
}

void Compute(void *kernel, TF_OpKernelContext *context) {
  const Attention &t = *static_cast<const Attention *>(kernel);
  TF_Status *status = TF_NewStatus();
  TF_Tensor *tensors[4] = {};
  const View *views[] = {&t.q, &t.k, &t.v};
  for (int i = 0; i < 3 && TF_GetCode(status) == TF_OK; i++) {
    TF_GetInput(context, i, &tensors[i], status);
    if (TF_GetCode(status) != TF_OK) break;
    const View &view = *views[i];
    const int64_t last = view.offset + (t.batch - 1) * view.batch + (t.heads - 1) * view.head +
                         ((i == 0 ? t.queries : t.keys) - 1) * view.token + t.size;
    if (last > TF_TensorElementCount(tensors[i]))
      TF_SetStatus(status, TF_INVALID_ARGUMENT, "TuningForkAttention: an operand is smaller than its view");
  }
  if (TF_GetCode(status) == TF_OK) {
    const int64_t shape[] = {t.batch, t.queries, t.heads * t.size};
    tensors[3] = TF_AllocateOutput(context, 0, TF_BFLOAT16, shape, 3, 2 * shape[0] * shape[1] * shape[2], status);
  }
  if (TF_GetCode(status) == TF_OK) {
    const auto data = [&](int i) { return static_cast<uint16_t *>(TF_TensorData(tensors[i])); };
    if (!AllHeads(t, data(0), data(1), data(2), data(3)))
      TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "TuningForkAttention: no room to compute in");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor *tensor : tensors)
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

void Delete(void *kernel) { delete static_cast<Attention *>(kernel); }

void InferShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

/* The system must allow a process to use tiles; on a processor without them it says no. */
bool MayUseTiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0 && __builtin_cpu_supports("avx512bf16");
}

struct Registration {
  Registration() {
    if (!MayUseTiles()) return;
    TF_Status *status = TF_NewStatus();
    TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(kOp);
    for (const char *input : {"q: bfloat16", "k: bfloat16", "v: bfloat16"}) TF_OpDefinitionBuilderAddInput(op, input);
    TF_OpDefinitionBuilderAddOutput(op, "y: bfloat16");
    for (const char *attribute : {"sizes: list(int)", "views: list(int)", "scale: float"})
      TF_OpDefinitionBuilderAddAttr(op, attribute);
    TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &InferShape);
    TF_RegisterOpDefinition(op, status);
    if (TF_GetCode(status) == TF_OK)
      TF_RegisterKernelBuilder(kOp, TF_NewKernelBuilder(kOp, "CPU", &Create, &Compute, &Delete), status);
    TF_DeleteStatus(status);
  }
} registration;

}  // namespace

#endif

/*
 * The op TuningForkFullAttention, for processors with AVX512_BF16: softmax(s q kT) v of every head in float32, for predictions.
 *
 * TensorFlow writes the scores of all queries to memory, and reads them three times: of many tokens (DINOv2 has 1,370) that takes as
 * long as the products. Here twelve queries at a time stay in the cache from their scores to their result, as in `attention.cc`.
 */
#include "heads.h"

#ifdef TILES

#include "team.h"

#include <algorithm>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* Queries that are taken together, and keys or numbers: two registers of sums each, 24 of the 32 that there are. */
constexpr int kRows = 12;
constexpr int64_t kBlock = 2 * kTile;

inline int64_t Blocks(int64_t n) { return (n + kBlock - 1) / kBlock; }

/* e^x for x up to 0, to float32's last digits: by the series around the nearest power of two. A NaN stays one. */
inline __m512 Exponential(__m512 x) {
  // Of 1/7! to 1.
  constexpr float kSeries[] = {1.98412698e-4f, 1.38888889e-3f, 8.33333333e-3f, 4.16666667e-2f, 1.66666667e-1f, 0.5f, 1, 1};
  x = _mm512_max_ps(_mm512_set1_ps(-104), x);
  const __m512 whole = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, of which the first has so few digits that its multiples are exact.
  __m512 rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(0.693359375f), x);
  rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(-2.12194440e-4f), rest);
  __m512 sum = _mm512_set1_ps(kSeries[0]);
#pragma GCC unroll 8
  for (int i = 1; i < 8; i++) sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(kSeries[i]));
  return _mm512_scalef_ps(sum, whole);
}

/* Products of twelve rows of `a` and `deep` rows of a block `b`, which lie one after another. */
inline __attribute__((always_inline)) void Products(const float *a, int64_t a_stride, const float *b, int64_t deep,
                                                    float *to, int64_t to_stride) {
  // In registers, which takes loops that are written out.
  __m512 first[kRows], second[kRows];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; r++) first[r] = second[r] = _mm512_setzero_ps();
  for (int64_t j = 0; j < deep; j++, b += kBlock) {
    const __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + kTile);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; r++) {
      const __m512 by = _mm512_set1_ps(a[r * a_stride + j]);
      first[r] = _mm512_fmadd_ps(by, b0, first[r]);
      second[r] = _mm512_fmadd_ps(by, b1, second[r]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; r++) {
    _mm512_store_ps(to + r * to_stride, first[r]);
    _mm512_store_ps(to + r * to_stride + kTile, second[r]);
  }
}

/* What a core computes in. */
struct Buffers {
  /* Blocks of keys, their numbers down; blocks of numbers, values down; queries; scores, then weights. */
  float *keys, *values, *queries, *scores;
};

/* Keys, so that those of a block lie side by side; zeros where there are none. */
void PackKeys(const float *k, int64_t stride, int64_t count, int64_t size, float *to) {
  __m512i lines[kTile];
  for (int64_t n = 0; n < Blocks(count) * kBlock; n += kTile)
    for (int64_t c = 0; c < size; c += kTile) {
      for (int j = 0; j < kTile; j++)
        lines[j] = _mm512_castps_si512(
            Load(k + (n + j) * stride + c, n + j < count ? Lanes(size - c) : 0));
      Transpose(lines);
      float *at = to + (n / kBlock * size + c) * kBlock + n % kBlock;
      for (int j = 0; j < std::min<int64_t>(kTile, size - c); j++) _mm512_store_si512(at + j * kBlock, lines[j]);
    }
}

/* Values, so that the numbers of a block lie side by side; zeros where there are none. */
void PackValues(const float *v, int64_t stride, int64_t count, int64_t size, float *to) {
  for (int64_t c = 0; c < Blocks(size) * kBlock; c += kTile)
    for (int64_t n = 0; n < count; n++)
      _mm512_store_ps(to + (c / kBlock * count + n) * kBlock + c % kBlock,
                      Load(v + n * stride + c, Lanes(size - c)));
}

/* exp(x - the largest x) of a row in its place; returns one by the sum. */
float Weights(float *x, int64_t count) {
  __m512 largest = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += kTile)
    largest = _mm512_mask_max_ps(largest, Lanes(count - i), largest, _mm512_load_ps(x + i));
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  for (int64_t i = 0; i < count; i += kTile) {
    const __m512 weight = Exponential(_mm512_sub_ps(_mm512_load_ps(x + i), top));
    sum = _mm512_mask_add_ps(sum, Lanes(count - i), sum, weight);
    _mm512_store_ps(x + i, weight);
  }
  return 1 / _mm512_reduce_add_ps(sum);
}

/* One head of one image; `y` has its rows `y_stride` elements apart. */
void Head(const Operands &operands, int64_t image, int64_t head, float *y, int64_t y_stride, const Buffers &b) {
  const Heads &t = operands.heads;
  const auto at = [&](int operand) { return operands.At<float>(operand, image, head); };
  const int64_t height = Blocks(t.keys) * kBlock;
  PackKeys(at(1), t.views[1].token, t.keys, t.size, b.keys);
  PackValues(at(2), t.views[2].token, t.keys, t.size, b.values);
  alignas(64) float result[kRows * kBlock];
  for (int64_t first = 0; first < t.queries; first += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, t.queries - first);
    // What is left of another block of queries is multiplied, but nobody reads it.
    for (int64_t r = 0; r < rows; r++) {
      const float *q = at(0) + (first + r) * t.views[0].token;
      for (int64_t j = 0; j < t.size; j += kTile)
        _mm512_mask_storeu_ps(b.queries + r * t.size + j, Lanes(t.size - j),
                              _mm512_mul_ps(Load(q + j, Lanes(t.size - j)), _mm512_set1_ps(t.scale)));
    }
    for (int64_t n = 0; n < height; n += kBlock)
      Products(b.queries, t.size, b.keys + n * t.size, t.size, b.scores + n, height);
    float shares[kRows];
    for (int64_t r = 0; r < rows; r++) shares[r] = Weights(b.scores + r * height, t.keys);
    for (int64_t c = 0; c < t.size; c += kBlock) {
      Products(b.scores, height, b.values + c * t.keys, t.keys, result, kBlock);
      for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < kBlock; i += kTile)
          _mm512_mask_storeu_ps(y + (first + r) * y_stride + c + i, Lanes(t.size - c - i),
                                _mm512_mul_ps(_mm512_load_ps(result + r * kBlock + i), _mm512_set1_ps(shares[r])));
    }
  }
}

/* An op's operands and result. */
struct Call {
  Operands &operands;
  float *y;
};

/* Some of the heads. */
void SomeHeads(void *what, int part, int parts) {
  const Call &call = *static_cast<Call *>(what);
  const Heads &t = call.operands.heads;
  static thread_local Scratch scratch;
  const int64_t keys = Blocks(t.keys) * kBlock * t.size, values = Blocks(t.size) * kBlock * t.keys;
  const int64_t queries = kRows * t.size, scores = kRows * Blocks(t.keys) * kBlock;
  char *at = scratch.Of(4 * (keys + values + scores + queries));
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  Parts memory(at);
  // Aligned for registers but for the queries, whose numbers may be any.
  float *k = memory.Full(keys), *v = memory.Full(values), *s = memory.Full(scores), *q = memory.Full(queries);
  const int64_t y_stride = t.heads * t.size, all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const int64_t n = i / t.heads, h = i % t.heads;
    Head(call.operands, n, h, call.y + n * t.queries * y_stride + h * t.size, y_stride, {k, v, q, s});
  }
}

#pragma GCC pop_options

void Compute(void *kernel, TF_OpKernelContext *context) {
  ComputeHeads<float>(kernel, context, TF_FLOAT, [](Operands &operands, float *y, int threads) {
    Call call{operands, y};
    Team::Share(threads, &SomeHeads, &call);
  });
}

const bool registered = RegisterHeads<3>("TuningForkFullAttention", {"q: float", "k: float", "v: float", "seed: S"},
                                         {"y: float"}, &Compute, __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

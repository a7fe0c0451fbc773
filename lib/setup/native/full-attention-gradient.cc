/*
 * The op TuningForkFullAttentionGradient, for processors with AVX512_BF16: the gradients of softmax(s q kT) v by q, k and v, in
 * float32, by the formulas of `attention-head-gradient.h`: neither scores nor weights are kept or written to memory.
 */
#include "full-heads.h"

#ifdef TILES

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* Queries that are taken together: of 1,370 keys, all that they need stays in a core's cache. */
constexpr int64_t kQueries = 4 * kRows;

/*
 * What a core computes in: keys and values as blocks, numbers down; of keys, queries and dy blocks of numbers, tokens down;
 * scores and dP, then P and dS; the gradients by keys and values; queries by the scale, and dy.
 */
struct Buffers {
  float *keys, *values, *key_numbers, *query_numbers, *dy_numbers, *p, *ds, *dk, *dv, *queries, *dy;
};

/*
 * P and dS of a query from its scores and dP. Weights that are dropped are zeros in P, and nothing comes back to them; `first` is
 * the number of the first one.
 */
void Weigh(float *scores, float *dp, int64_t count, const Dropout &dropout, uint32_t first) {
  const __m512 top = Largest(scores, count);
  __m512 sum = _mm512_setzero_ps(), weighted = sum;
  for (int64_t i = 0; i < count; i += kTile) {
    const __mmask16 there = Lanes(count - i);
    const __m512 e = _mm512_maskz_mov_ps(there, Exponential(_mm512_sub_ps(_mm512_load_ps(scores + i), top)));
    sum = _mm512_add_ps(sum, e);
    const __mmask16 stay = dropout.on ? Stay(dropout, first + static_cast<uint32_t>(i)) : 0xffff;
    const __m512 back = _mm512_maskz_mul_ps(stay & there, _mm512_load_ps(dp + i), _mm512_set1_ps(dropout.kept));
    weighted = _mm512_fmadd_ps(e, back, weighted);
    _mm512_store_ps(dp + i, back);
    // Below zero what is dropped.
    _mm512_store_ps(scores + i, _mm512_mask_sub_ps(e, ~stay, _mm512_setzero_ps(), e));
  }
  const float share = 1 / _mm512_reduce_add_ps(sum);
  const __m512 shares = _mm512_set1_ps(share), kept = _mm512_set1_ps(share * dropout.kept);
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(weighted) * share);
  for (int64_t i = 0; i < count; i += kTile) {
    const __m512 e = _mm512_load_ps(scores + i), back = _mm512_sub_ps(_mm512_load_ps(dp + i), mean);
    _mm512_store_ps(scores + i, _mm512_mul_ps(_mm512_max_ps(_mm512_setzero_ps(), e), kept));
    _mm512_store_ps(dp + i, _mm512_mul_ps(_mm512_mul_ps(_mm512_abs_ps(e), shares), back));
  }
}

/* The gradients of one head. */
void Head(const Operands &operands, int64_t image, int64_t head, float *const gradients[3], const Buffers &b) {
  const Heads &t = operands.heads;
  const int64_t height = Blocks(t.keys) * kBlock, width = Blocks(t.size) * kBlock;
  const auto token = [&](int i, int64_t n) { return operands.At<float>(i, image, head) + n * t.views[i].token; };
  const auto to = [&](int i) { return gradients[i] + (image * t.heads + head) * t.Tokens(i) * t.size; };
  PackKeys(token(1, 0), t.views[1].token, t.keys, t.size, b.keys);
  PackKeys(token(2, 0), t.views[2].token, t.keys, t.size, b.values);
  PackValues(token(1, 0), t.views[1].token, t.keys, t.size, b.key_numbers);
  alignas(64) float result[kRows * kBlock];
  for (int64_t from = 0; from < t.queries; from += kQueries) {
    // Of rows that are missing in the last twelve there are products, too, but nobody reads them.
    const int64_t rows = std::min<int64_t>(kQueries, t.queries - from);
    Scale(token(0, from), t.views[0].token, rows, t.size, t.scale, b.queries, t.size);
    Scale(token(3, from), t.views[3].token, rows, t.size, 1, b.dy, t.size);
    PackValues(b.queries, t.size, rows, t.size, b.query_numbers);
    PackValues(b.dy, t.size, rows, t.size, b.dy_numbers);
    for (int64_t n = 0; n < height; n += kBlock)
      for (int64_t r = 0; r < rows; r += kRows) {
        const int64_t at = r * height + n;
        BlockOfProducts<false>(t.keys - n, {b.queries + r * t.size, t.size, 1}, b.keys + n * t.size, t.size, b.p + at, height);
        BlockOfProducts<false>(t.keys - n, {b.dy + r * t.size, t.size, 1}, b.values + n * t.size, t.size, b.ds + at, height);
      }
    for (int64_t r = 0; r < rows; r++)
      Weigh(b.p + r * height, b.ds + r * height, t.keys, operands.dropout, operands.Weight(image, head, from + r));
    for (int64_t n = 0; n < t.keys; n += kRows)
      for (int64_t c = 0; c < t.size; c += kBlock) {
        const auto add = [&](const float *weights, const float *numbers, float *sums) {
          const RowsOf columns{weights + n, 1, height};
          float *at = sums + n * width + c;
          if (from == 0) BlockOfProducts<false>(t.size - c, columns, numbers + c * rows, rows, at, width);
          else BlockOfProducts<true>(t.size - c, columns, numbers + c * rows, rows, at, width);
        };
        add(b.ds, b.query_numbers, b.dk);
        add(b.p, b.dy_numbers, b.dv);
      }
    for (int64_t c = 0; c < t.size; c += kBlock)
      for (int64_t r = 0; r < rows; r += kRows) {
        BlockOfProducts<false>(t.size - c, {b.ds + r * height, height, 1}, b.key_numbers + c * t.keys, t.keys, result, kBlock);
        Scale(result, kBlock, std::min<int64_t>(kRows, rows - r), std::min(kBlock, t.size - c), t.scale,
              to(0) + (from + r) * t.size + c, t.size);
      }
  }
  Scale(b.dk, width, t.keys, t.size, 1, to(1), t.size);
  Scale(b.dv, width, t.keys, t.size, 1, to(2), t.size);
}

/* Some of the heads. */
void SomeHeads(void *what, int part, int parts) {
  const auto &call = *static_cast<GradientsOfHeads<float> *>(what);
  const Heads &t = call.operands.heads;
  static thread_local Scratch scratch;
  const int64_t height = Blocks(t.keys) * kBlock, width = Blocks(t.size) * kBlock;
  // Keys are taken in twelves at last.
  const int64_t by_keys = (t.keys + kRows) * width;
  const std::pair<float * Buffers::*, int64_t> sizes[] = {
      {&Buffers::keys, height * t.size}, {&Buffers::values, height * t.size},
      {&Buffers::key_numbers, t.keys * width}, {&Buffers::query_numbers, kQueries * width},
      {&Buffers::dy_numbers, kQueries * width}, {&Buffers::p, (kQueries + 1) * height},
      {&Buffers::ds, (kQueries + 1) * height}, {&Buffers::dk, by_keys}, {&Buffers::dv, by_keys},
      // The only ones that need not be aligned for registers.
      {&Buffers::queries, kQueries * t.size}, {&Buffers::dy, kQueries * t.size}};
  int64_t numbers = 0;
  for (const auto &[buffer, count] : sizes) numbers += count;
  char *at = scratch.Of(4 * numbers);
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  Parts memory(at);
  Buffers b;
  for (const auto &[buffer, count] : sizes) b.*buffer = memory.Full(count);
  const int64_t all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++)
    Head(call.operands, i / t.heads, i % t.heads, call.gradients, b);
}

#pragma GCC pop_options

const bool registered = RegisterHeads<4>(
    "TuningForkFullAttentionGradient", {"q: float", "k: float", "v: float", "dy: float", "seed: S"},
    {"dq: float", "dk: float", "dv: float"}, &ComputeGradients<float, TF_FLOAT, &SomeHeads>, __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

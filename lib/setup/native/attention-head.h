/*
 * A head of an attention in bfloat16, for kernels with AMX's tiles: softmax(s q kT) v.
 */
#ifndef TUNING_FORK_ATTENTION_HEAD_H_
#define TUNING_FORK_ATTENTION_HEAD_H_

#include "heads.h"

#ifdef TILES

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/*
 * exp(scale (x - the largest x)) of a row, in bfloat16; next to nothing (2^-126) up to its padded end. Returns the sum. Those
 * that are dropped count in the sum and are zero; `first` is the number of the first weight.
 */
inline __attribute__((noinline)) float Exponentials(float *x, int64_t count, float scale, const Dropout &dropout,
                                             uint32_t first, uint16_t *to) {
  const int64_t padded = Padded(count);
  const __m512 nothing = _mm512_set1_ps(-INFINITY);
  for (int64_t i = count / kTile * kTile; i < padded; i += kTile) {
    const __mmask16 some = Lanes(count - i);
    _mm512_store_ps(x + i, _mm512_mask_blend_ps(some, nothing, _mm512_load_ps(x + i)));
  }
  __m512 largest = nothing;
  for (int64_t i = 0; i < padded; i += kTile) largest = _mm512_max_ps(largest, _mm512_load_ps(x + i));
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  const __m512 by = _mm512_set1_ps(scale * 1.44269504f);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < padded; i += kTile) {
    __m512 e = PowerOfTwo(_mm512_mul_ps(_mm512_sub_ps(_mm512_load_ps(x + i), top), by));
    sum = _mm512_add_ps(sum, e);
    if (dropout.on) e = _mm512_maskz_mov_ps(Stay(dropout, first + static_cast<uint32_t>(i)), e);
    _mm256_store_si256(reinterpret_cast<__m256i *>(to + i), (__m256i)_mm512_cvtneps_pbh(e));
  }
  return _mm512_reduce_add_ps(sum);
}

/* What a core computes in: of a block of 32 queries the scores, weights and sums of these, of the one before and its own. */
struct HeadBuffers {
  uint16_t *keys, *values, *queries, *weights[2];
  float *scores[2], *result;
  float sums[2][kPairs];

  /* Bytes for a head's keys, queries and size. */
  static int64_t Bytes(int64_t keys, int64_t size) {
    const int64_t width = Padded(size), height = Padded(keys);
    return 2 * (2 * height * width + kPairs * width + 2 * kPairs * height) + 4 * (2 * kPairs * height + kPairs * width);
  }
  HeadBuffers(int64_t keys, int64_t size, Parts memory) {
    const int64_t packed = Padded(keys) * Padded(size), block = kPairs * Padded(keys), result = kPairs * Padded(size);
    this->keys = memory.Low(packed), values = memory.Low(packed), queries = memory.Low(result);
    for (auto &of : weights) of = memory.Low(block);
    for (auto &of : scores) of = memory.Full(block);
    this->result = memory.Full(result);
  }
};

/*
 * One head of one image; `y` has its rows `y_stride` elements apart. `change(query, scores)` may change the scores of a query.
 * While tiles multiply the queries after and the weights before, the exponentials of a block are computed.
 */
template <class Change>
void AttendHead(const OneHead &t, uint16_t *y, int64_t y_stride, HeadBuffers &b, Change change) {
  const Dropout &dropout = *t.dropout;
  const int64_t width = Padded(t.size), height = Padded(t.keys), deep = width / kPairs, blocks = Padded(t.queries) / kPairs;
  const auto rows_of = [&](int64_t n) { return std::min<int64_t>(kPairs, t.queries - n * kPairs); };
  const auto scores = [&](int64_t n, auto meanwhile) {
    const int64_t rows = rows_of(n);
    CopyTokens(t.of[0] + n * kPairs * t.token[0], t.token[0], rows, t.size, b.queries);
    for (int64_t at = 0; at < height; at += kPairs)
      Multiply(b.queries, width, b.keys + at / kTile * deep * kTileSize, deep * kTileSize, kTileSize, deep,
               rows > kTile, b.scores[n % 2] + at, height, meanwhile);
  };
  const auto values = [&](int64_t n, auto meanwhile) {
    for (int64_t c = 0; c < width; c += kPairs)
      Multiply(b.weights[n % 2], height, b.values + c / kTile * kTileSize, kTileSize, width / kTile * kTileSize,
               height / kPairs, rows_of(n) > kTile, b.result + c, width, meanwhile);
    for (int64_t i = 0; i < rows_of(n); i++) {
      const __m512 share = _mm512_set1_ps((dropout.on ? dropout.kept : 1.f) / b.sums[n % 2][i]);
      for (int64_t c = 0; c < t.size; c += kTile) {
        const __m512 values = _mm512_mul_ps(_mm512_load_ps(b.result + i * width + c), share);
        _mm256_mask_storeu_epi16(y + (n * kPairs + i) * y_stride + c, Lanes(t.size - c),
                                 (__m256i)_mm512_cvtneps_pbh(values));
      }
    }
  };
  const auto nothing = [](int64_t) {};
  PackRows(t.of[1], t.token[1], t.keys, t.size, b.keys, deep * kTileSize, kTileSize);
  PackColumns(t.of[2], t.token[2], t.keys, t.size, b.values, kTileSize, width / kTile * kTileSize);
  scores(0, nothing);
  for (int64_t n = 0; n < blocks; n++) {
    const bool after = n + 1 < blocks, before = n > 0;
    const int64_t rows = rows_of(n), steps = std::max<int64_t>(1, (after + before) * deep * height / kPairs);
    int64_t done = 0;
    const auto exponentials = [&](int64_t count) {
      for (const int64_t to = std::min(done + count, rows); done < to; done++) {
        const int64_t query = n * kPairs + done;
        float *x = b.scores[n % 2] + done * height;
        change(query, x);
        b.sums[n % 2][done] = Exponentials(x, t.keys, t.scale, dropout, t.Weight(query), b.weights[n % 2] + done * height);
      }
    };
    const auto meanwhile = [&](int64_t) { exponentials((rows + steps - 1) / steps); };
    if (after) scores(n + 1, meanwhile);
    if (before) values(n - 1, meanwhile);
    exponentials(rows);
  }
  values(blocks - 1, nothing);
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_ATTENTION_HEAD_H_

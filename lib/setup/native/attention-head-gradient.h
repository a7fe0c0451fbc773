/*
 * The gradients of a head of an attention in bfloat16, for kernels with AMX's tiles: of softmax(s q kT) v by q, k and v.
 *
 * With P = softmax(s q kT) and dP = dy vT they are s dS k, s dST q and PT dy, where dS = P (dP - the sum of P dP of each query)
 * (Dao et al. 2022, arXiv:2205.14135, appendix B). P is computed anew, which takes less time than to keep and read it.
 */
#ifndef TUNING_FORK_ATTENTION_HEAD_GRADIENT_H_
#define TUNING_FORK_ATTENTION_HEAD_GRADIENT_H_

#include "heads.h"

#ifdef TILES

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/*
 * What a core computes in. Keys and values as second operands of products over numbers, keys of one over keys; of 32
 * queries scores and dP, and P and dS; of all queries and dy the columns, as rows, and P and dS as second operands of
 * products over queries.
 */
struct GradientBuffers {
  uint16_t *keys, *values, *key_columns, *queries, *dy, *p, *ds, *query_rows, *dy_rows, *all_p, *all_ds, *pack;
  float *scores, *dp, *result;

  /* Bytes for a head of so many queries and keys. */
  static int64_t Bytes(int64_t queries, int64_t keys, int64_t size) {
    const int64_t width = Padded(size), height = Padded(keys), all = Padded(queries);
    return 2 * (3 * height * width + 3 * kPairs * width + 2 * kPairs * height + 2 * all * width + 2 * all * height) +
           4 * (2 * kPairs * height + kPairs * kPairs);
  }
  GradientBuffers(int64_t of_queries, int64_t of_keys, int64_t size, Parts memory) {
    const int64_t width = Padded(size), height = Padded(of_keys), all = Padded(of_queries);
    for (auto buffer : {&keys, &values, &key_columns}) *buffer = memory.Low(height * width);
    for (auto buffer : {&queries, &dy, &pack}) *buffer = memory.Low(kPairs * width);
    for (auto buffer : {&p, &ds}) *buffer = memory.Low(kPairs * height);
    for (auto buffer : {&query_rows, &dy_rows}) *buffer = memory.Low(all * width);
    for (auto buffer : {&all_p, &all_ds}) *buffer = memory.Low(all * height);
    for (auto buffer : {&scores, &dp}) *buffer = memory.Full(kPairs * height);
    result = memory.Full(kPairs * kPairs);
  }
};

/* Columns of 32 tokens as rows: `to` has them `stride` elements apart. `pack` has room for all of them. */
inline void TurnTokens(const uint16_t *tokens, int64_t width, uint16_t *pack, uint16_t *to, int64_t stride) {
  PackColumns(tokens, width, kPairs, width, pack, kTileSize, 0);
  __m512i lines[kTile];
  for (int64_t c = 0; c < width; c += kTile) {
    for (int j = 0; j < kTile; j++) lines[j] = _mm512_load_si512(pack + c * kPairs + j * kPairs);
    Transpose(lines);
    for (int j = 0; j < kTile; j++) _mm512_store_si512(to + (c + j) * stride, lines[j]);
  }
}

/*
 * P and dS of a query from its scores and dP, to the padded end of the keys. Weights that are dropped are zeros in P, and nothing
 * comes back to them; `first` is the number of the first one.
 */
inline __attribute__((noinline)) void Weigh(float *scores, float *dp, int64_t count, float scale, const Dropout &dropout,
                                            uint32_t first, uint16_t *p, uint16_t *ds) {
  const int64_t padded = Padded(count);
  const __m512 nothing = _mm512_set1_ps(-INFINITY);
  for (int64_t i = count / kTile * kTile; i < padded; i += kTile)
    _mm512_store_ps(scores + i,
                    _mm512_mask_blend_ps(Lanes(count - i), nothing, _mm512_load_ps(scores + i)));
  __m512 largest = nothing;
  for (int64_t i = 0; i < padded; i += kTile) largest = _mm512_max_ps(largest, _mm512_load_ps(scores + i));
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(largest)), by = _mm512_set1_ps(scale * 1.44269504f);
  __m512 sum = _mm512_setzero_ps(), weighted = _mm512_setzero_ps();
  for (int64_t i = 0; i < padded; i += kTile) {
    const __m512 e = PowerOfTwo(_mm512_mul_ps(_mm512_sub_ps(_mm512_load_ps(scores + i), top), by));
    sum = _mm512_add_ps(sum, e);
    if (dropout.on) {
      const __mmask16 stay = Stay(dropout, first + static_cast<uint32_t>(i));
      const __m512 back = _mm512_maskz_mul_ps(stay, _mm512_load_ps(dp + i), _mm512_set1_ps(dropout.kept));
      _mm512_store_ps(dp + i, back);
      weighted = _mm512_fmadd_ps(e, back, weighted);
      // Below zero what is dropped.
      _mm512_store_ps(scores + i, _mm512_mask_sub_ps(e, ~stay, _mm512_setzero_ps(), e));
      continue;
    }
    _mm512_store_ps(scores + i, e);
    weighted = _mm512_fmadd_ps(e, _mm512_load_ps(dp + i), weighted);
  }
  const float share = 1.f / _mm512_reduce_add_ps(sum);
  const __m512 shares = _mm512_set1_ps(share), mean = _mm512_set1_ps(_mm512_reduce_add_ps(weighted) * share);
  const __m512 none = _mm512_setzero_ps(), kept = _mm512_set1_ps(dropout.on ? share * dropout.kept : share);
  for (int64_t i = 0; i < padded; i += kPairs) {
    __m512 weights[2], gradients[2];
    for (int half = 0; half < 2; half++) {
      const __m512 e = _mm512_load_ps(scores + i + half * kTile);
      const __m512 back = _mm512_sub_ps(_mm512_load_ps(dp + i + half * kTile), mean);
      weights[half] = _mm512_mul_ps(_mm512_max_ps(none, e), kept);
      gradients[half] = _mm512_mul_ps(_mm512_mul_ps(_mm512_abs_ps(e), shares), back);
    }
    _mm512_store_si512(p + i, (__m512i)_mm512_cvtne2ps_pbh(weights[1], weights[0]));
    _mm512_store_si512(ds + i, (__m512i)_mm512_cvtne2ps_pbh(gradients[1], gradients[0]));
  }
}

/* Where gradients go: the first token, and elements from one to the next. */
struct GradientTokens {
  uint16_t *at;
  int64_t token;
};

/* The product of turned tokens and weights over all queries, by a factor: a gradient by keys or values. */
inline void OverQueries(const OneHead &t, const uint16_t *rows, const uint16_t *weights, float factor, float *result,
                        GradientTokens to) {
  const int64_t width = Padded(t.size), height = Padded(t.keys), all = Padded(t.queries);
  const __m512 by = _mm512_set1_ps(factor);
  for (int64_t key = 0; key < height; key += kPairs)
    for (int64_t c = 0; c < width; c += kPairs) {
      Multiply(rows + c * all, all, weights + key / kTile * kTileSize, kTileSize, height / kTile * kTileSize,
               all / kPairs, true, result, kPairs, [](int64_t) {});
      for (int64_t half = 0; half < 2; half++) {
        const __mmask16 some = Lanes(t.size - c - half * kTile);
        for (int64_t of = 0; of < 2; of++) {
          __m512i lines[kTile];
          for (int j = 0; j < kTile; j++)
            lines[j] = _mm512_load_si512(result + (half * kTile + j) * kPairs + of * kTile);
          Transpose(lines);
          for (int64_t j = 0; j < std::min<int64_t>(kTile, t.keys - key - of * kTile); j++)
            _mm256_mask_storeu_epi16(to.at + (key + of * kTile + j) * to.token + c + half * kTile, some,
                                     (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_castsi512_ps(lines[j]), by)));
        }
      }
    }
}

/*
 * The gradients of one head by queries, keys and values. `change(query, scores)` may change the scores of a query, and
 * `see(query, ds)` is shown its dS.
 */
template <class Change, class See>
void HeadGradients(const OneHead &t, const GradientTokens (&to)[3], const GradientBuffers &b, Change change, See see) {
  const int64_t width = Padded(t.size), height = Padded(t.keys), all = Padded(t.queries), deep = width / kPairs;
  const auto nothing = [](int64_t) {};
  PackRows(t.of[1], t.token[1], t.keys, t.size, b.keys, deep * kTileSize, kTileSize);
  PackRows(t.of[2], t.token[2], t.keys, t.size, b.values, deep * kTileSize, kTileSize);
  PackColumns(t.of[1], t.token[1], t.keys, t.size, b.key_columns, kTileSize, width / kTile * kTileSize);
  for (int64_t from = 0; from < t.queries; from += kPairs) {
    const int64_t rows = std::min<int64_t>(kPairs, t.queries - from);
    // All 32 are summed over below.
    if (rows <= kTile)
      for (uint16_t *tokens : {b.queries, b.dy}) std::fill_n(tokens + kTile * width, kTile * width, 0);
    CopyTokens(t.of[0] + from * t.token[0], t.token[0], rows, t.size, b.queries);
    CopyTokens(t.of[3] + from * t.token[3], t.token[3], rows, t.size, b.dy);
    TurnTokens(b.queries, width, b.pack, b.query_rows + from, all);
    TurnTokens(b.dy, width, b.pack, b.dy_rows + from, all);
    for (int64_t at = 0; at < height; at += kPairs) {
      const int64_t tiles = at / kTile * deep * kTileSize;
      Multiply(b.queries, width, b.keys + tiles, deep * kTileSize, kTileSize, deep, rows > kTile, b.scores + at, height,
               nothing);
      Multiply(b.dy, width, b.values + tiles, deep * kTileSize, kTileSize, deep, rows > kTile, b.dp + at, height,
               nothing);
    }
    for (int64_t i = 0; i < rows; i++) {
      change(from + i, b.scores + i * height);
      Weigh(b.scores + i * height, b.dp + i * height, t.keys, t.scale, *t.dropout, t.Weight(from + i), b.p + i * height,
            b.ds + i * height);
      see(from + i, b.ds + i * height);
    }
    std::fill_n(b.p + rows * height, (kPairs - rows) * height, 0);
    std::fill_n(b.ds + rows * height, (kPairs - rows) * height, 0);
    PackColumns(b.p, height, kPairs, height, b.all_p + from * height, kTileSize, 0);
    PackColumns(b.ds, height, kPairs, height, b.all_ds + from * height, kTileSize, 0);
    const __m512 by = _mm512_set1_ps(t.scale);
    for (int64_t c = 0; c < width; c += kPairs) {
      Multiply(b.ds, height, b.key_columns + c / kTile * kTileSize, kTileSize, width / kTile * kTileSize,
               height / kPairs, rows > kTile, b.result, kPairs, nothing);
      for (int64_t i = 0; i < rows; i++)
        _mm512_mask_storeu_epi16(to[0].at + (from + i) * to[0].token + c, FirstOf(t.size - c),
                                 (__m512i)_mm512_cvtne2ps_pbh(
                                     _mm512_mul_ps(_mm512_load_ps(b.result + i * kPairs + kTile), by),
                                     _mm512_mul_ps(_mm512_load_ps(b.result + i * kPairs), by)));
    }
  }
  OverQueries(t, b.query_rows, b.all_ds, t.scale, b.result, to[1]);
  OverQueries(t, b.dy_rows, b.all_p, 1, b.result, to[2]);
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_ATTENTION_HEAD_GRADIENT_H_

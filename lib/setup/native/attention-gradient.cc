/*
 * The op TuningForkAttentionGradient, for processors with AMX: the gradients of softmax(s q kT) v by q, k and v, in bfloat16.
 *
 * With P = softmax(s q kT) and dP = dy vT they are s dS k, s dST q and PT dy, where dS = P (dP - the sum of P dP of each query)
 * (Dao et al. 2022, arXiv:2205.14135, appendix B). P is computed anew, which takes less time than to keep and read it.
 */
#include "heads.h"

#ifdef TILES

#include <algorithm>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/*
 * What a core computes in. Keys and values as second operands of products over numbers, keys of one over keys; of 32
 * queries scores and dP, and P and dS; of all queries and dy the columns, as rows, and P and dS as second operands of
 * products over queries.
 */
struct Buffers {
  uint16_t *keys, *values, *key_columns, *queries, *dy, *p, *ds, *query_rows, *dy_rows, *all_p, *all_ds, *pack;
  float *scores, *dp, *result;
};

/* Columns of 32 tokens as rows: `to` has them `stride` elements apart. `pack` has room for all of them. */
void TurnTokens(const uint16_t *tokens, int64_t width, uint16_t *pack, uint16_t *to, int64_t stride) {
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
__attribute__((noinline)) void Weigh(float *scores, float *dp, int64_t count, float scale, const Dropout &dropout,
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

/*
 * The product of turned tokens and weights over all queries, by a factor: a gradient by keys or values, tokens of
 * `size` numbers side by side.
 */
void OverQueries(const Heads &t, const uint16_t *rows, const uint16_t *weights, float factor, float *result, uint16_t *to) {
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
            _mm256_mask_storeu_epi16(to + (key + of * kTile + j) * t.size + c + half * kTile, some,
                                     (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_castsi512_ps(lines[j]), by)));
        }
      }
    }
}

/* The gradients of one head. */
void Head(const Operands &operands, int64_t image, int64_t head, uint16_t *const gradients[3], const Buffers &b) {
  const Heads &t = operands.heads;
  const int64_t width = Padded(t.size), height = Padded(t.keys), all = Padded(t.queries), deep = width / kPairs;
  const auto nothing = [](int64_t) {};
  const uint16_t *of[4];
  for (int i = 0; i < 4; i++) of[i] = operands.At(i, image, head);
  const auto to = [&](int i) { return gradients[i] + (image * t.heads + head) * t.Tokens(i) * t.size; };
  PackRows(of[1], t.views[1].token, t.keys, t.size, b.keys, deep * kTileSize, kTileSize);
  PackRows(of[2], t.views[2].token, t.keys, t.size, b.values, deep * kTileSize, kTileSize);
  PackColumns(of[1], t.views[1].token, t.keys, t.size, b.key_columns, kTileSize, width / kTile * kTileSize);
  for (int64_t from = 0; from < t.queries; from += kPairs) {
    const int64_t rows = std::min<int64_t>(kPairs, t.queries - from);
    // All 32 are summed over below.
    if (rows <= kTile)
      for (uint16_t *tokens : {b.queries, b.dy}) std::fill_n(tokens + kTile * width, kTile * width, 0);
    CopyTokens(of[0] + from * t.views[0].token, t.views[0].token, rows, t.size, b.queries);
    CopyTokens(of[3] + from * t.views[3].token, t.views[3].token, rows, t.size, b.dy);
    TurnTokens(b.queries, width, b.pack, b.query_rows + from, all);
    TurnTokens(b.dy, width, b.pack, b.dy_rows + from, all);
    for (int64_t at = 0; at < height; at += kPairs) {
      const int64_t tiles = at / kTile * deep * kTileSize;
      Multiply(b.queries, width, b.keys + tiles, deep * kTileSize, kTileSize, deep, rows > kTile, b.scores + at, height,
               nothing);
      Multiply(b.dy, width, b.values + tiles, deep * kTileSize, kTileSize, deep, rows > kTile, b.dp + at, height,
               nothing);
    }
    for (int64_t i = 0; i < rows; i++)
      Weigh(b.scores + i * height, b.dp + i * height, t.keys, t.scale, operands.dropout,
            operands.Weight(image, head, from + i), b.p + i * height, b.ds + i * height);
    std::fill_n(b.p + rows * height, (kPairs - rows) * height, 0);
    std::fill_n(b.ds + rows * height, (kPairs - rows) * height, 0);
    PackColumns(b.p, height, kPairs, height, b.all_p + from * height, kTileSize, 0);
    PackColumns(b.ds, height, kPairs, height, b.all_ds + from * height, kTileSize, 0);
    const __m512 by = _mm512_set1_ps(t.scale);
    for (int64_t c = 0; c < width; c += kPairs) {
      Multiply(b.ds, height, b.key_columns + c / kTile * kTileSize, kTileSize, width / kTile * kTileSize,
               height / kPairs, rows > kTile, b.result, kPairs, nothing);
      for (int64_t i = 0; i < rows; i++)
        _mm512_mask_storeu_epi16(to(0) + (from + i) * t.size + c, FirstOf(t.size - c),
                                 (__m512i)_mm512_cvtne2ps_pbh(
                                     _mm512_mul_ps(_mm512_load_ps(b.result + i * kPairs + kTile), by),
                                     _mm512_mul_ps(_mm512_load_ps(b.result + i * kPairs), by)));
    }
  }
  OverQueries(t, b.query_rows, b.all_ds, t.scale, b.result, to(1));
  OverQueries(t, b.dy_rows, b.all_p, 1, b.result, to(2));
}

/* Some of the heads. */
void SomeHeads(void *what, int part, int parts) {
  const auto &call = *static_cast<GradientsOfHeads<uint16_t> *>(what);
  const Heads &t = call.operands.heads;
  static thread_local Scratch scratch;
  const int64_t width = Padded(t.size), height = Padded(t.keys), queries = Padded(t.queries);
  const int64_t low_numbers = 3 * height * width + 3 * kPairs * width + 2 * kPairs * height + 2 * queries * width +
                              2 * queries * height;
  const int64_t full_numbers = 2 * kPairs * height + kPairs * kPairs;
  char *at = scratch.Of(2 * low_numbers + 4 * full_numbers);
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  Parts memory(at);
  Buffers b;
  for (auto buffer : {&Buffers::keys, &Buffers::values, &Buffers::key_columns}) b.*buffer = memory.Low(height * width);
  for (auto buffer : {&Buffers::queries, &Buffers::dy, &Buffers::pack}) b.*buffer = memory.Low(kPairs * width);
  for (auto buffer : {&Buffers::p, &Buffers::ds}) b.*buffer = memory.Low(kPairs * height);
  for (auto buffer : {&Buffers::query_rows, &Buffers::dy_rows}) b.*buffer = memory.Low(queries * width);
  for (auto buffer : {&Buffers::all_p, &Buffers::all_ds}) b.*buffer = memory.Low(queries * height);
  for (auto buffer : {&Buffers::scores, &Buffers::dp}) b.*buffer = memory.Full(kPairs * height);
  b.result = memory.Full(kPairs * kPairs);
  const Tiles tiles;
  const int64_t all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++)
    Head(call.operands, i / t.heads, i % t.heads, call.gradients, b);
}

#pragma GCC pop_options

const bool registered =
    RegisterHeads<4>("TuningForkAttentionGradient", {"q: bfloat16", "k: bfloat16", "v: bfloat16", "dy: bfloat16", "seed: S"},
                     {"dq: bfloat16", "dk: bfloat16", "dv: bfloat16"}, &ComputeGradients<uint16_t, TF_BFLOAT16, &SomeHeads>);

}  // namespace

#endif

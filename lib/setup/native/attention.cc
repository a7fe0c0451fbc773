/*
 * The op TuningForkAttention, for processors with AMX: softmax(s q kT) v of every head, in bfloat16.
 *
 * TensorFlow computes it in seven ops, each of which writes its result to memory and reads the one before: heads to
 * the front, scores, softmax, weighted values, heads back. Here 32 queries at a time stay in the cache from their
 * scores to their result (the tiling, not the running maximum, of Dao et al. 2022, arXiv:2205.14135), and queries,
 * keys and values are read where they lie. Cores share the heads, where no part of the batch is another core's.
 *
 * Elsewhere, and by other compilers than GCC from 11 on, nothing is registered; whoever makes graphs tries it first.
 */
#include "heads.h"

#ifdef TILES

#include <algorithm>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/*
 * exp(scale (x - the largest x)) of a row, in bfloat16; next to nothing (2^-126) up to its padded end. Returns the sum. Those
 * that are dropped count in the sum and are zero; `first` is the number of the first weight.
 */
__attribute__((noinline)) float Exponentials(float *x, int64_t count, float scale, const Dropout &dropout,
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
struct Buffers {
  uint16_t *keys, *values, *queries, *weights[2];
  float *scores[2], *result;
  float sums[2][kPairs];
};

/*
 * One head of one image; `y` has its rows `y_stride` elements apart. While tiles multiply the queries after and the
 * weights before, the exponentials of a block are computed.
 */
void Head(const Operands &operands, int64_t image, int64_t head, uint16_t *y, int64_t y_stride, Buffers &b) {
  const Heads &t = operands.heads;
  const Dropout &dropout = operands.dropout;
  const uint16_t *q = operands.At(0, image, head), *k = operands.At(1, image, head), *v = operands.At(2, image, head);
  const int64_t width = Padded(t.size), height = Padded(t.keys), deep = width / kPairs, blocks = Padded(t.queries) / kPairs;
  const auto rows_of = [&](int64_t n) { return std::min<int64_t>(kPairs, t.queries - n * kPairs); };
  const auto scores = [&](int64_t n, auto meanwhile) {
    const int64_t rows = rows_of(n);
    CopyTokens(q + n * kPairs * t.views[0].token, t.views[0].token, rows, t.size, b.queries);
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
  PackRows(k, t.views[1].token, t.keys, t.size, b.keys, deep * kTileSize, kTileSize);
  PackColumns(v, t.views[2].token, t.keys, t.size, b.values, kTileSize, width / kTile * kTileSize);
  scores(0, nothing);
  for (int64_t n = 0; n < blocks; n++) {
    const bool after = n + 1 < blocks, before = n > 0;
    const int64_t rows = rows_of(n), steps = std::max<int64_t>(1, (after + before) * deep * height / kPairs);
    int64_t done = 0;
    const auto exponentials = [&](int64_t count) {
      for (const int64_t to = std::min(done + count, rows); done < to; done++)
        b.sums[n % 2][done] =
            Exponentials(b.scores[n % 2] + done * height, t.keys, t.scale, dropout,
                         operands.Weight(image, head, n * kPairs + done), b.weights[n % 2] + done * height);
    };
    const auto meanwhile = [&](int64_t) { exponentials((rows + steps - 1) / steps); };
    if (after) scores(n + 1, meanwhile);
    if (before) values(n - 1, meanwhile);
    exponentials(rows);
  }
  values(blocks - 1, nothing);
}

/* An op's operands and result. */
struct Call {
  Operands &operands;
  uint16_t *y;
};

/* Some of the heads. */
void SomeHeads(void *what, int part, int parts) {
  const Call &call = *static_cast<Call *>(what);
  const Heads &t = call.operands.heads;
  static thread_local Scratch scratch;
  const int64_t width = Padded(t.size), height = Padded(t.keys);
  const int64_t packed = height * width, weights = kPairs * height, result = kPairs * width;
  char *at = scratch.Of(2 * (2 * packed + result + 2 * weights) + 4 * (2 * weights + result));
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  Parts memory(at);
  Buffers buffers = {memory.Low(packed), memory.Low(packed), memory.Low(result), {memory.Low(weights), memory.Low(weights)},
                     {memory.Full(weights), memory.Full(weights)}, memory.Full(result), {}};
  const Tiles tiles;
  const int64_t y_stride = t.heads * t.size, all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const int64_t n = i / t.heads, h = i % t.heads;
    Head(call.operands, n, h, call.y + n * t.queries * y_stride + h * t.size, y_stride, buffers);
  }
}

#pragma GCC pop_options

void Compute(void *kernel, TF_OpKernelContext *context) {
  ComputeHeads<uint16_t>(kernel, context, TF_BFLOAT16, [](Operands &operands, uint16_t *y, int threads) {
    Call call{operands, y};
    Team::Share(threads, &SomeHeads, &call);
  });
}

const bool registered =
    RegisterHeads<3>("TuningForkAttention", {"q: bfloat16", "k: bfloat16", "v: bfloat16", "seed: S"},
                     {"y: bfloat16"}, &Compute);

}  // namespace

#endif

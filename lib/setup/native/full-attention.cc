/*
 * The op TuningForkFullAttention, for processors with AVX512_BF16: softmax(s q kT) v of every head in float32.
 *
 * TensorFlow writes the scores of all queries to memory, and reads them three times: of many tokens (DINOv2 has 1,370) that takes as
 * long as the products. Here twelve queries at a time stay in the cache from their scores to their result, as in `attention.cc`.
 */
#include "full-heads.h"

#ifdef TILES

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* What a core computes in. */
struct Buffers {
  /* Blocks of keys, their numbers down; blocks of numbers, values down; queries; scores, then weights. */
  float *keys, *values, *queries, *scores;
};

/*
 * exp(x - the largest x) of a row in its place, zeros where weights are dropped, of which `first` is the number of the first one;
 * returns what they are multiplied by.
 */
float Weights(float *x, int64_t count, const Dropout &dropout, uint32_t first) {
  const __m512 top = Largest(x, count);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += kTile) {
    const __m512 weight = Exponential(_mm512_sub_ps(_mm512_load_ps(x + i), top));
    sum = _mm512_mask_add_ps(sum, Lanes(count - i), sum, weight);
    const __mmask16 stay = dropout.on ? Stay(dropout, first + static_cast<uint32_t>(i)) : 0xffff;
    _mm512_store_ps(x + i, _mm512_maskz_mov_ps(stay, weight));
  }
  return (dropout.on ? dropout.kept : 1) / _mm512_reduce_add_ps(sum);
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
    Scale(at(0) + first * t.views[0].token, t.views[0].token, rows, t.size, t.scale, b.queries, t.size);
    for (int64_t n = 0; n < height; n += kBlock)
      BlockOfProducts<false>(t.keys - n, {b.queries, t.size, 1}, b.keys + n * t.size, t.size, b.scores + n, height);
    float shares[kRows];
    for (int64_t r = 0; r < rows; r++)
      shares[r] = Weights(b.scores + r * height, t.keys, operands.dropout, operands.Weight(image, head, first + r));
    for (int64_t c = 0; c < t.size; c += kBlock) {
      BlockOfProducts<false>(t.size - c, {b.scores, height, 1}, b.values + c * t.keys, t.keys, result, kBlock);
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
    Team::Share(threads, operands.heads.batch * operands.heads.heads, &SomeHeads, &call);
  });
}

const bool registered = RegisterHeads<3>("TuningForkFullAttention", {"q: float", "k: float", "v: float", "seed: S"},
                                         {"y: float"}, &Compute, __builtin_cpu_supports("avx512bf16"));

}  // namespace

#endif

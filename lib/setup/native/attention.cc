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
#include "attention-head.h"

#ifdef TILES

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

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
  char *at = scratch.Of(HeadBuffers::Bytes(t.keys, t.size));
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  HeadBuffers buffers(t.keys, t.size, Parts(at));
  const Tiles tiles;
  const int64_t y_stride = t.heads * t.size, all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const int64_t n = i / t.heads, h = i % t.heads;
    uint16_t *y = call.y + n * t.queries * y_stride + h * t.size;
    AttendHead(call.operands.Head(n, h), y, y_stride, buffers, [](int64_t, float *) {});
  }
}

#pragma GCC pop_options

void Compute(void *kernel, TF_OpKernelContext *context) {
  ComputeHeads<uint16_t>(kernel, context, TF_BFLOAT16, [](Operands &operands, uint16_t *y, int threads) {
    Call call{operands, y};
    Team::Share(threads, operands.heads.batch * operands.heads.heads, &SomeHeads, &call);
  });
}

const bool registered =
    RegisterHeads<3>("TuningForkAttention", {"q: bfloat16", "k: bfloat16", "v: bfloat16", "seed: S"},
                     {"y: bfloat16"}, &Compute);

}  // namespace

#endif

/*
 * Threads that share the work of one op and wait awake for the next.
 *
 * TensorFlow's threads sleep between two ops, and waking one takes as long as a product of one image. These
 * look for work for a fifth of a millisecond first, as OpenMP's do: ops of a prediction follow one another faster than that.
 */
#ifndef TUNING_FORK_TEAM_H_
#define TUNING_FORK_TEAM_H_

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>

class Team {
 public:
  using Work = void (*)(void *what, int part, int parts);

  /*
   * work(what, i, n) for each of n parts, each by whoever has time: the caller does what nobody else has begun. There is
   * one for each of `threads`, but `most` at most. Ops that run side by side have teams of their own.
   */
  static void Share(int64_t threads, int64_t most, Work work, void *what) {
    // Never taken down: threads may be at work while the process ends.
    static auto *teams = new std::array<Team, kTeams>();
    const int parts = static_cast<int>(std::clamp<int64_t>(most, 1, std::max<int64_t>(1, threads)));
    if (parts > 1)
      for (Team &team : *teams) {
        std::unique_lock<std::mutex> mine(team.busy_, std::try_to_lock);
        if (mine.owns_lock()) return team.Run(parts, work, what);
      }
    for (int i = 0; i < parts; i++) work(what, i, parts);
  }

 private:
  static constexpr int kTeams = 8, kHelpers = 7;
  /* About a fifth of a millisecond. */
  static constexpr int kLooks = 5000;
  /* What is to be taken next, in one number: the call, how many parts it has, and the first that nobody has taken. */
  static constexpr uint64_t kTurn = uint64_t{1} << 32, kParts = uint64_t{1} << 16;

  void Run(int parts, Work work, void *what) {
    try {
      for (; helpers_ < std::min(parts - 1, kHelpers); helpers_++) std::thread(&Team::Help, this).detach();
    } catch (const std::system_error &) {
      // The system gives no more threads: the others do more.
    }
    const uint64_t turn = next_.load(std::memory_order_relaxed) / kTurn + 1;
    work_.store(work, std::memory_order_relaxed);
    what_.store(what, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(door_);
      next_.store(turn * kTurn + parts * kParts, std::memory_order_release);
    }
    bell_.notify_all();
    TakeParts(turn);
    for (int looks = 0; done_.load(std::memory_order_acquire) < parts; looks++) Wait(looks);
  }

  /* Does parts of a call as long as there are some. */
  void TakeParts(uint64_t turn) {
    uint64_t next = next_.load(std::memory_order_acquire);
    for (;;) {
      const int part = static_cast<int>(next % kParts), parts = static_cast<int>(next % kTurn / kParts);
      if (next / kTurn != turn || part == parts) return;
      // These stay as long as there are parts to take, of which the exchange makes sure.
      const Work work = work_.load(std::memory_order_relaxed);
      void *what = what_.load(std::memory_order_relaxed);
      if (!next_.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      work(what, part, parts);
      done_.fetch_add(1, std::memory_order_release);
      next = next_.load(std::memory_order_acquire);
    }
  }

  /* A moment; now and then somebody else may have the core. */
  static void Wait(int looks) {
    if (looks % 16 == 15) sched_yield();
    else _mm_pause();
  }

  void Help() {
    for (uint64_t seen = 0;;) {
      const auto turn = [&] { return next_.load(std::memory_order_acquire) / kTurn; };
      for (int looks = 0; turn() == seen && looks < kLooks; looks++) Wait(looks);
      if (turn() == seen) {
        std::unique_lock<std::mutex> lock(door_);
        bell_.wait(lock, [&] { return turn() != seen; });
      }
      seen = turn();
      TakeParts(seen);
    }
  }

  std::mutex busy_, door_;
  std::condition_variable bell_;
  std::atomic<uint64_t> next_{0};
  std::atomic<int> done_{0};
  std::atomic<Work> work_{nullptr};
  std::atomic<void *> what_{nullptr};
  int helpers_ = 0;
};

#endif  // TUNING_FORK_TEAM_H_

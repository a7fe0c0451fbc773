/*
 * Threads that share the work of one op and wait awake for the next.
 *
 * TensorFlow's threads sleep between two ops, and waking one takes as long as a product of one image. These
 * look for work for a fifth of a millisecond first, as OpenMP's do: ops of a prediction follow one another faster than that.
 */
#ifndef TUNING_FORK_TEAM_H_
#define TUNING_FORK_TEAM_H_

#include <immintrin.h>

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
  using Work = void (*)(void *what, int member, int members);

  /* work(what, i, n) for each i of n members at most, the caller among them. Ops that run side by side have teams of their own. */
  static void Share(int members, Work work, void *what) {
    // Never taken down: threads may be at work while the process ends.
    static auto *teams = new std::array<Team, kMost>();
    members = std::min(members, kMost);
    if (members > 1)
      for (Team &team : *teams) {
        std::unique_lock<std::mutex> mine(team.busy_, std::try_to_lock);
        if (mine.owns_lock()) return team.Run(members, work, what);
      }
    work(what, 0, 1);
  }

 private:
  static constexpr int kMost = 8;
  /* About a fifth of a millisecond. */
  static constexpr int kLooks = 5000;

  void Run(int members, Work work, void *what) {
    try {
      for (; helpers_ < members - 1; helpers_++) std::thread(&Team::Help, this, helpers_ + 1, turn_.load()).detach();
    } catch (const std::system_error &) {
      // The system gives no more threads.
      members = helpers_ + 1;
    }
    work_ = work, what_ = what, members_ = members;
    left_.store(helpers_, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(door_);
      turn_.fetch_add(1, std::memory_order_release);
    }
    bell_.notify_all();
    work(what, 0, members);
    while (left_.load(std::memory_order_acquire) > 0) _mm_pause();
  }

  void Help(int member, uint64_t seen) {
    for (;;) {
      int looks = 0;
      while (turn_.load(std::memory_order_acquire) == seen && looks++ < kLooks) _mm_pause();
      if (turn_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(door_);
        bell_.wait(lock, [&] { return turn_.load(std::memory_order_acquire) != seen; });
      }
      seen++;
      if (member < members_) work_(what_, member, members_);
      left_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::mutex busy_, door_;
  std::condition_variable bell_;
  std::atomic<uint64_t> turn_{0};
  std::atomic<int> left_{0};
  int helpers_ = 0, members_ = 0;
  Work work_ = nullptr;
  void *what_ = nullptr;
};

#endif  // TUNING_FORK_TEAM_H_

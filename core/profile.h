#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// Wall time by named parts, which may hold parts. A Profile is filled by the scopes that open and
// close on a thread while a ProfileUse of it lives there. Other threads (the workers of a parallel
// loop) count nothing: their time is in the scope that waits for them.
class Profile {
 public:
  struct Part {
    std::string name;
    int depth = 0;      // 0 = not inside another part
    int64_t calls = 0;  // times the scope was entered
    double seconds = 0;
  };

  // Depth first, equal depths in the order they were first entered.
  std::vector<Part> parts() const;
  // In use until now: the parts and the time between them.
  double seconds() const;

 private:
  friend class ProfileUse;
  friend class ProfileScope;
  using Clock = std::chrono::steady_clock;
  struct Node {
    std::string_view name;
    std::vector<size_t> children;
    int64_t calls = 0;
    Clock::duration spent{0};
  };

  size_t child(size_t parent, std::string_view name);
  void list(size_t node, int depth, std::vector<Part>& parts) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);  // the first is the whole
  size_t open_ = 0;                                 // innermost open scope
  int uses_ = 0;                                    // that live
  Clock::time_point used_since_;
};

// Lets the scopes of this thread count into `profile` (nullptr: nowhere) while it lives. Uses may
// nest; the outer one goes on afterwards.
class ProfileUse {
 public:
  explicit ProfileUse(Profile* profile);
  ~ProfileUse();
  ProfileUse(const ProfileUse&) = delete;
  ProfileUse& operator=(const ProfileUse&) = delete;

 private:
  Profile* profile_;
  Profile* outer_;
};

// Counts the time until it goes as part `name` of the innermost open scope. Without a ProfileUse it
// costs one read of a thread-local pointer. `name` must outlive the profile: give a literal.
class ProfileScope {
 public:
  explicit ProfileScope(std::string_view name) : profile_(in_use) {
    if (profile_ != nullptr) enter(name);
  }
  ~ProfileScope() {
    if (profile_ != nullptr) leave();
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  friend class ProfileUse;
  void enter(std::string_view name);
  void leave();

  inline static constinit thread_local Profile* in_use = nullptr;
  Profile* profile_;
  size_t outer_ = 0;
  Profile::Clock::time_point begin_;
};

}  // namespace telora

#include "core/profile.h"

namespace telora {

size_t Profile::child(size_t parent, std::string_view name) {
  for (const size_t existing : nodes_[parent].children) {
    if (nodes_[existing].name == name) return existing;
  }
  nodes_.push_back({.name = name, .children = {}});
  nodes_[parent].children.push_back(nodes_.size() - 1);
  return nodes_.size() - 1;
}

void Profile::list(size_t node, int depth, std::vector<Part>& parts) const {
  for (const size_t index : nodes_[node].children) {
    const Node& part = nodes_[index];
    parts.push_back({std::string(part.name), depth, part.calls,
                     std::chrono::duration<double>(part.spent).count()});
    list(index, depth + 1, parts);
  }
}

std::vector<Profile::Part> Profile::parts() const {
  std::vector<Part> parts;
  list(0, 0, parts);
  return parts;
}

double Profile::seconds() const {
  const Clock::duration now = uses_ > 0 ? Clock::now() - used_since_ : Clock::duration(0);
  return std::chrono::duration<double>(nodes_[0].spent + now).count();
}

ProfileUse::ProfileUse(Profile* profile) : profile_(profile), outer_(ProfileScope::in_use) {
  ProfileScope::in_use = profile;
  if (profile && profile->uses_++ == 0) profile->used_since_ = Profile::Clock::now();
}

ProfileUse::~ProfileUse() {
  if (profile_ && --profile_->uses_ == 0) {
    profile_->nodes_[0].spent += Profile::Clock::now() - profile_->used_since_;
  }
  ProfileScope::in_use = outer_;
}

void ProfileScope::enter(std::string_view name) {
  outer_ = profile_->open_;
  profile_->open_ = profile_->child(outer_, name);
  begin_ = Profile::Clock::now();
}

void ProfileScope::leave() {
  Profile::Node& node = profile_->nodes_[profile_->open_];
  node.spent += Profile::Clock::now() - begin_;
  ++node.calls;
  profile_->open_ = outer_;
}

}  // namespace telora

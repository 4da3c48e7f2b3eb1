#pragma once

#include <span>
#include <string_view>

namespace telora::sample {

// What a 3GPP working group writes about: topics (noun phrases) and sentences in its own terms.
struct WorkingGroup {
  std::string_view name;
  std::span<const std::string_view> topics;
  std::span<const std::string_view> details;
};

// The sixteen classes of 3gpp-tsg.
std::span<const WorkingGroup> working_groups();

}  // namespace telora::sample

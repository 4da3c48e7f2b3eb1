#include "core/tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace telora {

using Json = nlohmann::ordered_json;

void TreeBuilder::begin(bool object) {
  open_.push_back({place(object ? Json::object() : Json::array()), {}});
}

void TreeBuilder::key(std::string&& key) {
  // The members are a plain vector: appending skips the linear search of operator[].
  auto& members = open_.back().node->get_ref<Json::object_t&>();
  members.emplace_back(std::move(key), nullptr);
  open_.back().key_offsets.push_back(cursor_.offset());
}

void TreeBuilder::scalar(Json&& value) { place(std::move(value)); }

void TreeBuilder::end() {
  if (open_.back().node->is_object()) refuse_duplicates(open_.back());
  open_.pop_back();
}

// Pointers to open containers stay valid: a container grows only after its last member is complete.
Json* TreeBuilder::place(Json&& value) {
  if (++nodes_ > max_nodes_) {
    cursor_.fail(fmt::format("more than {} values", max_nodes_),
                 fmt::format("at most {}", max_nodes_));
  }
  Json* target = &root_;
  if (!open_.empty() && open_.back().node->is_object()) {
    target = &open_.back().node->get_ref<Json::object_t&>().back().second;
  } else if (!open_.empty()) {
    auto& items = open_.back().node->get_ref<Json::array_t&>();
    items.push_back(std::move(value));
    return &items.back();
  }
  *target = std::move(value);
  return target;
}

void TreeBuilder::refuse_duplicates(const Frame& frame) const {
  const auto& members = frame.node->get_ref<const Json::object_t&>();
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t i) -> const std::string& { return members.begin()[i].first; };
  std::ranges::sort(order, [&](size_t a, size_t b) {
    const int compared = key(a).compare(key(b));
    return compared != 0 ? compared < 0 : a < b;
  });
  const auto same = [&](size_t a, size_t b) { return key(a) == key(b); };
  const auto found = std::ranges::adjacent_find(order, same);
  if (found == order.end()) return;
  const std::string path = join_path(cursor_.path(), key(*found));
  const Where first = cursor_.where(path, frame.key_offsets[*found]);
  const Where second = cursor_.where(path, frame.key_offsets[*(found + 1)]);
  const std::string there =
      first.byte ? fmt::format("byte {}", *first.byte) : fmt::format("line {}", first.line);
  fail(cursor_.source().kind, second, "the same key again (first on " + there + ")",
       "each key once");
}

}  // namespace telora

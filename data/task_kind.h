#pragma once

namespace telora {

// What the answers of a category are: one of a question's options, one of the category's classes,
// or a number that is nowhere offered.
enum class TaskKind { kLetters, kClasses, kNumber };

}  // namespace telora

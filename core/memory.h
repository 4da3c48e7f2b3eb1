#pragma once

namespace telora {

// Asks the C library to keep freed memory for the next allocation instead of giving it back: the
// large buffers of one training step serve the next, and no page has to be cleared again. For
// whole programs; without effect on libraries other than glibc.
void keep_freed_memory();

}  // namespace telora

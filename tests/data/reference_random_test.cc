#include "data/reference_random.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/digest.h"
#include "tests/data/support.h"

namespace telora {
namespace {

std::string digest(const std::vector<size_t>& order) {
  return sha256(fmt::format("{}", fmt::join(order, " "))).substr(0, 16);
}

struct Vector {
  size_t count;
  uint64_t seed;
  const char* python;
  const char* numpy_legacy;  // empty: its seeds have 32 bits
  const char* numpy;
};

// Written with CPython 3.11 and NumPy 1.26.4: the first 16 digits of the SHA-256 of the
// permutation, its numbers joined by spaces, of
//   random.Random(seed).shuffle(list(range(count)))
//   numpy.random.RandomState(seed).permutation(count)
//   numpy.random.default_rng(seed).permutation(count)
constexpr Vector kVectors[] = {
    {2, 0U, "5cc3a6551605a0b4", "8fad34bbb0c1ed09", "5cc3a6551605a0b4"},
    {2, 1U, "8fad34bbb0c1ed09", "5cc3a6551605a0b4", "5cc3a6551605a0b4"},
    {2, 42U, "8fad34bbb0c1ed09", "8fad34bbb0c1ed09", "8fad34bbb0c1ed09"},
    {2, 4294967295U, "8fad34bbb0c1ed09", "5cc3a6551605a0b4", "5cc3a6551605a0b4"},
    {2, 9223372049200454709U, "5cc3a6551605a0b4", "", "8fad34bbb0c1ed09"},
    {5, 0U, "99e4b7cc92c78347", "513599a71e7d410b", "2c1a23fcec8f9dee"},
    {5, 1U, "dc15186124cda332", "b7966ebefe5d3635", "fd436bcb341a41af"},
    {5, 42U, "cfb2ed9a2836a13a", "e90902e684ff91e4", "df7f92c325e39063"},
    {5, 4294967295U, "1b807018c04c47dd", "fd70463f9178d15d", "35e32e921514df32"},
    {5, 9223372049200454709U, "edf21e32dc9d11eb", "", "1d2fab48415ea22c"},
    {500, 0U, "02c3a6b333b2c35b", "5b82986e10457081", "3b1b350bb9a965f7"},
    {500, 1U, "08b775c6f97b4d27", "11fb1e3b09584022", "7e528640aeba278a"},
    {500, 42U, "346cf8277784b5f8", "db44b4ce87175812", "896be2d1edc48354"},
    {500, 4294967295U, "189ef901a188c459", "148ec12dbeba01b3", "efc898a8e06fe7f2"},
    {500, 9223372049200454709U, "47c69c4476ef804e", "", "c2e9817866bdef6b"},
    {1502, 0U, "46ae6b46b2c69c2b", "cd8a470798367aa9", "e3aa068c73c24c19"},
    {1502, 1U, "a01f964fb39af37c", "5838f8cff4874953", "edaca3458ece0d00"},
    {1502, 42U, "128bb9bcf3e16734", "938794d906099b6b", "54ccb4bde2566f29"},
    {1502, 4294967295U, "abfc1751503b35e3", "9f5ef619d74c1ec3", "42a8ca47917cc4d3"},
    {1502, 9223372049200454709U, "2ba79e0dceca263e", "", "64ac64c6c2b0b1f9"},
    {10000, 0U, "9ea1e79bc8d79d85", "edab49c984239e35", "26d82b3d8f6c7044"},
    {10000, 1U, "6e962ea8a112bac6", "13d271bae38eeccf", "8c77f08d2192f462"},
    {10000, 42U, "e64f7d4c7c81329d", "8feb4f748cb3048a", "48cdd9d937019936"},
    {10000, 4294967295U, "ad0215ca69072fac", "54494f35f443540d", "b1fd09a8b384093a"},
    {10000, 9223372049200454709U, "b6aff5cbc612f824", "", "0d8e31a550a8a026"},
    {70000, 0U, "fafb1ed7f8b58803", "3a76b1f36f989983", "85a6dc7318e3d570"},
    {70000, 1U, "a8a05c04e38752a8", "b6053f2a78892492", "697036988ee6761f"},
    {70000, 42U, "e3e40135c232335b", "b5fd63fcc363369b", "4f968774b55ffe0e"},
    {70000, 4294967295U, "127964f9a4ac0fa2", "fdceb69996139c43", "03fd799c04e28a3f"},
    {70000, 9223372049200454709U, "157f682a09a36775", "", "8f4af7aa83f4d62a"},
};

class ReferenceRandom : public ::testing::TestWithParam<Vector> {};

TEST_P(ReferenceRandom, EqualsTheOriginal) {
  const Vector& vector = GetParam();
  EXPECT_EQ(digest(python_shuffle(vector.count, vector.seed)), vector.python);
  EXPECT_EQ(digest(numpy_permutation(vector.count, vector.seed)), vector.numpy);
  if (*vector.numpy_legacy == '\0') return;
  EXPECT_EQ(digest(numpy_legacy_permutation(vector.count, static_cast<uint32_t>(vector.seed))),
            vector.numpy_legacy);
}

INSTANTIATE_TEST_SUITE_P(Vectors, ReferenceRandom, ::testing::ValuesIn(kVectors));

TEST(ReferenceRandom, OneAndNoneNeedNoDraw) {
  for (const size_t count : {0U, 1U}) {
    EXPECT_EQ(python_shuffle(count, 42).size(), count);
    EXPECT_EQ(numpy_legacy_permutation(count, 42).size(), count);
    EXPECT_EQ(numpy_permutation(count, 42).size(), count);
  }
}

}  // namespace
}  // namespace telora

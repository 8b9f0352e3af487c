#include <mayfly/stress/choices.hpp>
#include <mayfly/stress/kept_answer.hpp>

#include <array>

namespace mayfly::stress {

namespace {

std::uint64_t add_to_sum(std::uint64_t sum, std::string_view text) noexcept {
  for (char const c : text) sum = sum * 0x100'0000'01B3U + static_cast<unsigned char>(c) + 1;
  return sum;
}

}  // namespace

void kept_answer::append(std::string_view text) {
  piece* const made = lane_.make<piece>(nullptr, lane_.copy(text));
  (last_ == nullptr ? first_ : last_->next) = made;
  last_ = made;
  sum_ = add_to_sum(sum_, text);
  bytes_ += text.size();
}

kept_answer::~kept_answer() {
  std::uint64_t sum = 0;
  for (piece const* each = first_; each != nullptr; each = each->next) sum = add_to_sum(sum, each->text);
  if (sum == sum_) return;
  into_.add(number_, "the " + std::to_string(bytes_) + " bytes that its handler answered, at the end of its scope",
            "others in their place");
}

std::string usual_input(std::uint64_t seed, std::uint64_t number) {
  constexpr std::array<std::string_view, 8> words{"a",     "mayfly", "lives",     "for",
                                                  "a day", "and",    "leaves\\n", "nothing"};
  number_stream from(mix_numbers(seed, number));
  std::string text = R"({"number":)" + std::to_string(number) + R"(,"text":")";
  for (std::uint64_t left = from.between(0, 400); left != 0; --left) {
    text.append(words[from.between(0, words.size() - 1)]).append(left == 1 ? "" : " ");
  }
  text += R"(","numbers":[)";
  for (std::uint64_t left = from.between(0, 200); left != 0; --left) {
    text.append(std::to_string(from.between(0, 999'999))).append(left == 1 ? "" : ",");
  }
  return text + "]}";
}

}  // namespace mayfly::stress

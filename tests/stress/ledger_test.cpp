#include <mayfly/stress/ledger.hpp>

#include <gmock/gmock.h>

#include <string>

namespace {

using mayfly::stress::ledger;
using mayfly::stress::ledger_record;
using mayfly::stress::violation_log;

/// A ledger of one submitter, and what it complains of.
struct books {
  violation_log violations;
  ledger book{1, 4, violations};

  ledger_record& begin(std::uint64_t number) { return *book.begin(0, number); }

  /// A request's whole life, as it should be.
  void live(ledger_record& of, std::uint64_t number) {
    book.accepted(of, number);
    book.started(of, number);
    book.opened(of, number);
    book.completed(of, number);
    book.closed(of, number);
  }

  std::string first_seen() const { return violations.first().empty() ? "" : violations.first().front().seen; }
};

TEST(Ledger, AWholeLifeIsNoViolationAndFreesItsRecord) {
  books all;
  for (std::uint64_t number = 0; number < 100; ++number) all.live(all.begin(number), number);
  all.book.check_all_ended();
  EXPECT_EQ(all.violations.count(), 0U);
  EXPECT_EQ(all.book.accepted_count(), 100U);
  EXPECT_EQ(all.book.completed_count(), 100U);
  EXPECT_EQ(all.book.most_live(), 1U);
}

TEST(Ledger, AcceptanceMayBeToldAfterTheEnd) {
  books all;
  auto& record = all.begin(7);
  all.book.started(record, 7);
  all.book.opened(record, 7);
  all.book.completed(record, 7);
  all.book.closed(record, 7);
  all.book.accepted(record, 7);
  all.book.check_all_ended();
  EXPECT_EQ(all.violations.count(), 0U);
}

TEST(Ledger, ASecondCompletionIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.accepted(record, 7);
  all.book.started(record, 7);
  all.book.opened(record, 7);
  all.book.completed(record, 7);
  all.book.completed(record, 7);
  ASSERT_EQ(all.violations.count(), 1U);
  EXPECT_EQ(all.violations.first().front().number, 7U);
  EXPECT_EQ(all.first_seen(), "accepted, started, opened, completed");
}

TEST(Ledger, ASecondCompletionIsSeenAfterTheEnd) {
  books all;
  auto& record = all.begin(7);
  all.live(record, 7);
  all.book.completed(record, 7);
  EXPECT_EQ(all.first_seen(), "it had ended");
}

TEST(Ledger, ASecondCompletionIsSeenWhenTheRecordHasGoneOnToAnotherRequest) {
  violation_log violations;
  ledger book(1, 1, violations);
  auto& record = *book.begin(0, 7);
  book.accepted(record, 7);
  book.completed(record, 7);
  ASSERT_EQ(book.begin(0, 8), &record);
  book.completed(record, 7);
  ASSERT_EQ(violations.count(), 1U);
  EXPECT_THAT(violations.first().front().seen, testing::HasSubstr("that of request 8"));
  book.accepted(record, 8);
  book.completed(record, 8);
  book.check_all_ended();
  EXPECT_EQ(violations.count(), 1U) << "request 8 is as it was";
}

TEST(Ledger, ARequestWithoutACompletionIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.accepted(record, 7);
  all.book.check_all_ended();
  EXPECT_EQ(all.first_seen(), "accepted, and 1 of its parts left");
}

TEST(Ledger, AScopeThatClosesBeforeTheCompletionIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.accepted(record, 7);
  all.book.started(record, 7);
  all.book.opened(record, 7);
  all.book.closed(record, 7);
  EXPECT_EQ(all.first_seen(), "accepted, started, opened");
}

TEST(Ledger, AScopeThatDoesNotCloseIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.accepted(record, 7);
  all.book.opened(record, 7);
  all.book.completed(record, 7);
  all.book.check_all_ended();
  EXPECT_EQ(all.first_seen(), "accepted, opened, completed, and 1 of its parts left");
}

TEST(Ledger, AHandlerThatRunsTwiceIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.started(record, 7);
  all.book.started(record, 7);
  EXPECT_EQ(all.first_seen(), "started");
}

TEST(Ledger, ARefusedRequestThatRanIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.started(record, 7);
  all.book.refused(record, 7);
  EXPECT_EQ(all.first_seen(), "started");
}

TEST(Ledger, ARefusedRequestThatIsCompletedLaterIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.refused(record, 7);
  all.book.completed(record, 7);
  EXPECT_EQ(all.violations.count(), 1U);
}

TEST(Ledger, ATaskThatEndsTwiceIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.add_part(record, 7);
  all.live(record, 7);
  EXPECT_EQ(all.violations.count(), 0U);
  all.book.end_part(record, 7);
  EXPECT_EQ(all.violations.count(), 0U);
  all.book.end_part(record, 7);
  EXPECT_EQ(all.first_seen(), "it had ended");
}

TEST(Ledger, ATaskThatNeverEndsIsSeen) {
  books all;
  auto& record = all.begin(7);
  all.book.add_part(record, 7);
  all.live(record, 7);
  all.book.check_all_ended();
  EXPECT_THAT(all.first_seen(), testing::HasSubstr("1 of its parts left"));
}

TEST(Ledger, GivesNoRecordTwice) {
  books all;
  for (std::uint64_t number = 0; number < 4; ++number) EXPECT_NE(all.book.begin(0, number), nullptr);
  EXPECT_EQ(all.book.begin(0, 4), nullptr);
}

}  // namespace

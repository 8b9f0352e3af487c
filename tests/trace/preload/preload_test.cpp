#include "support.hpp"
#include <mayfly/trace/trace.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <ostream>

namespace mayfly::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using kind = operation_kind;

struct run {
  int status = 0;
  std::string said;  // on both outputs
};

/// `command` with the library before it, which writes to `file`.
run recorded(std::string const& file, std::string const& command, std::string const& by = "threads") {
  std::string const with = "MAYFLY_RECORD='" + file + "' MAYFLY_RECORD_REQUESTS=" + by +
                           " LD_PRELOAD='" MAYFLY_RECORD_LIBRARY "' " + command + " 2>&1";
  run result;
  FILE* const output = popen(with.c_str(), "r");
  for (int c = 0; (c = std::fgetc(output)) != EOF;) result.said.push_back(static_cast<char>(c));
  result.status = pclose(output);
  return result;
}

std::vector<std::string> routes_of(trace const& read) {
  std::vector<std::string> all;
  for (request const& each : read.requests()) all.push_back(read.routes()[each.route]);
  return all;
}

arena_life const* life_of(trace const& read, std::string const& route) {
  auto const found =
      std::ranges::find_if(read.requests(), [&](request const& r) { return read.routes()[r.route] == route; });
  if (found == read.requests().end()) return nullptr;
  auto const life = std::ranges::find(read.arenas(), found->id, &arena_life::request);
  return life == read.arenas().end() ? nullptr : &*life;
}

std::string said(operation const& what) {
  static std::map<kind, std::string> const names{
      {kind::allocate, "allocate"}, {kind::allocate_block, "block"},       {kind::give_back, "back"},
      {kind::resize, "resize"},     {kind::give_back_block, "block back"}, {kind::resize_block, "resize block"}};
  std::string text = names.at(what.kind);
  if (what.kind == kind::give_back_block || what.kind == kind::resize_block) text += " " + std::to_string(what.number);
  text += " " + std::to_string(what.bytes);
  if (what.new_bytes != 0) text += " to " + std::to_string(what.new_bytes);
  if (what.alignment != 8) text += " at " + std::to_string(what.alignment);
  return text;
}

std::vector<std::string> operations_of(arena_life const& life) {
  std::vector<std::string> all;
  operation_reader reader{life.operations};
  for (operation next{}; reader.next(next); next = {}) all.push_back(said(next));
  return all;
}

TEST(Preload, ARequestBetweenMarksIsWhatAnArenaWouldHaveBeenTold) {
  test::temporary_file const file{"every"};
  run const ran = recorded(file.path(), MAYFLY_SUBJECT " every", "marks");
  ASSERT_EQ(ran.status, 0) << ran.said;
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), ElementsAre("every", "request"));
  EXPECT_EQ(read.settings().program, "preload_subject");
  ASSERT_EQ(read.arenas().size(), 1U) << "a request that allocates nothing has no arena";
  EXPECT_THAT(
      operations_of(read.arenas()[0]),
      ElementsAre("allocate 100", "allocate 50", "allocate 24", "back 24", "resize 50 to 80", "allocate 10 at 64",
                  "block 100000", "block 200000", "block back 1 100000", "resize block 0 200000 to 200100",
                  "block 1000000", "block back 1 200100", "block back 0 1000000", "back 10"));
  EXPECT_EQ(read.counted().dropped_arenas + read.counted().dropped_requests, 0U);
  EXPECT_THAT(ran.said, HasSubstr("mayfly-record: 2 requests, "));
}

TEST(Preload, EachThreadHasRequestsOfItsOwn) {
  test::temporary_file const file{"threads"};
  ASSERT_EQ(recorded(file.path(), MAYFLY_SUBJECT " threads", "marks").status, 0);
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), UnorderedElementsAre("main's", "thread's", "left open"));
  arena_life const* const threads = life_of(read, "thread's");
  arena_life const* const mains = life_of(read, "main's");
  ASSERT_TRUE(threads != nullptr && mains != nullptr);
  EXPECT_THAT(operations_of(*threads), ElementsAre("allocate 10", "back 10"));
  EXPECT_NE(threads->opened_by, mains->opened_by);
}

bool any_does(trace const& read, std::string const& what) {
  return std::ranges::any_of(read.arenas(), [&](arena_life const& each) {
    auto const all = operations_of(each);
    return std::ranges::find(all, what) != all.end();
  });
}

TEST(Preload, WithoutMarksAThreadIsARequest) {
  test::temporary_file const file{"unmarked"};
  ASSERT_EQ(recorded(file.path(), MAYFLY_SUBJECT " unmarked").status, 0);
  trace const read = trace::read(file.path());
  ASSERT_EQ(read.requests().size(), 2U) << "the program's threads, and not the one that writes";
  EXPECT_TRUE(any_does(read, "block back 0 77777"));
}

TEST(Preload, AThreadThatMarksIsRecordedBetweenMarksOnly) {
  test::temporary_file const file{"mixed"};
  ASSERT_EQ(recorded(file.path(), MAYFLY_SUBJECT " threads").status, 0);
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), ::testing::IsSupersetOf({"main's", "thread's", "left open"}));
  EXPECT_TRUE(any_does(read, "allocate 30"));
  EXPECT_FALSE(any_does(read, "allocate 20"));
}

TEST(Preload, AForkedChildLeavesTheFileAlone) {
  test::temporary_file const file{"child"};
  ASSERT_EQ(recorded(file.path(), MAYFLY_SUBJECT " child", "marks").status, 0);
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), ElementsAre("parent's"));
  arena_life const* const parents = life_of(read, "parent's");
  ASSERT_NE(parents, nullptr);
  EXPECT_THAT(operations_of(*parents), ElementsAre("allocate 10", "back 10", "allocate 11", "back 11"));
}

TEST(Preload, ThreadsThatAreAtWorkAtTheEndAreInTheFileUpToThere) {
  test::temporary_file const file{"busy"};
  for (int round = 0; round < 5; ++round) {
    run const ran = recorded(file.path(), MAYFLY_SUBJECT " busy");
    ASSERT_EQ(ran.status, 0) << ran.said;
    trace const read = trace::read(file.path());
    EXPECT_EQ(read.requests().size() + read.counted().dropped_requests, 204U) << ran.said;
    EXPECT_EQ(read.arenas().size() + read.counted().dropped_arenas, 204U) << ran.said;
  }
}

TEST(Preload, FilesCanBeNamedByProcess) {
  test::temporary_file const file{"by"};
  run const ran = recorded(file.path() + ".%p", MAYFLY_PYTHON3 " -c 'import os; print(os.getpid(), flush=True)'");
  ASSERT_EQ(ran.status, 0);
  std::string const path = file.path() + "." + ran.said.substr(0, ran.said.find('\n'));
  EXPECT_EQ(trace::read(path).requests().size(), 1U);
  std::filesystem::remove(path);
}

TEST(Preload, WhatCannotBeRecordedRunsAllTheSame) {
  run const nowhere = recorded("/there/is/no/folder", "/bin/echo runs");
  EXPECT_EQ(nowhere.status, 0);
  EXPECT_THAT(nowhere.said, HasSubstr("runs"));
  EXPECT_THAT(nowhere.said, HasSubstr("mayfly-record: nothing is recorded: "));
  test::temporary_file const file{"by"};
  EXPECT_THAT(recorded(file.path(), "/bin/echo runs", "hours").said, HasSubstr("it must be 'threads' or 'marks'"));
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST(Preload, Sqlite3IsRecorded) {
  if (std::string{MAYFLY_SQLITE3}.empty()) GTEST_SKIP() << "there is no sqlite3 here";
  test::temporary_file const file{"sqlite3"};
  std::string const command = MAYFLY_SQLITE3
      " :memory: \"create table t(a, b); with recursive c(n) as (select 1 union all select n + 1 from c "
      "where n < 2000) insert into t select n, 'row ' || n from c; select sum(length(b)) from t;\"";
  run const ran = recorded(file.path(), command);
  ASSERT_EQ(ran.status, 0) << ran.said;
  EXPECT_THAT(ran.said, HasSubstr("14893\n"));
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), ElementsAre("sqlite3"));
  EXPECT_THAT(read.counted().allocations, Ge(2'000U));
}

TEST(Preload, RequestsOfPythonAreMarkedByCtypes) {
  test::temporary_file const file{"python3"};
  std::string const command = "PYTHONMALLOC=malloc " MAYFLY_PYTHON3 R"( -c '
import ctypes, json
marks = ctypes.CDLL(None)
for count in (10, 1000):
    text = json.dumps({str(i): [i] for i in range(count)})
    marks.mayfly_request_begin(b"parse")
    json.loads(text)
    marks.mayfly_request_end()
')";
  run const ran = recorded(file.path(), command, "marks");
  ASSERT_EQ(ran.status, 0) << ran.said;
  trace const read = trace::read(file.path());
  EXPECT_THAT(routes_of(read), ElementsAre("parse", "parse"));
  ASSERT_EQ(read.arenas().size(), 2U);
  EXPECT_THAT(read.arenas()[0].allocations, Ge(20U));
  EXPECT_THAT(read.arenas()[1].allocations, Ge(2'000U)) << "a key, a list and what it holds, a thousand times";
}

}  // namespace
}  // namespace mayfly::trace

#pragma once

#include <mayfly/memory_account.hpp>
#include <mayfly/memory_split.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mayfly {

/// Where the memory of one route's requests is, and what became of it in those that ended.
struct route_account {
  std::string route;
  std::uint64_t in_flight = 0;  ///< requests and nested scopes: waiting, running, held, pinned
  memory_amount held;           ///< by them, now
  /// Of ended requests, one in 16 on average: which ones is decided at random, but for the first. Nothing where
  /// executor_options::adaptive_first_page is off.
  memory_split sampled;
};

/// Where every byte of an executor's pages is. Per route a snapshot: while requests run, its figures are from slightly
/// different moments. At rest the routes' `held` and `others` are what the pool has in use.
struct executor_account {
  memory_account pages;
  std::vector<route_account> routes;  ///< by name
  /// In use and no request's of this executor: arenas without an owner, requests of another executor on the same pool.
  memory_amount others;
};

}  // namespace mayfly

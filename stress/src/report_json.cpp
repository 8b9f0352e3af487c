#include <mayfly/stress/report.hpp>

#include <boost/json.hpp>

namespace mayfly::stress {

namespace {

template <class Counters, class Name>
boost::json::object by_name(Counters const& counters, Name name) {
  boost::json::object object;
  for (std::size_t i = 0; i < counters.size(); ++i) object[name(i)] = counters[i].get();
  return object;
}

boost::json::array violations_in(run_result const& result) {
  boost::json::array all;
  for (auto const& one : result.of->violations.first()) {
    boost::json::object object{{"expected", one.expected}, {"seen", one.seen}};
    object["request"] = one.number ? boost::json::value(*one.number) : boost::json::value(nullptr);
    all.push_back(std::move(object));
  }
  return all;
}

boost::json::object pages_in(run_result const& result) {
  std::uint64_t magazine = 0;
  std::uint64_t depot = 0;
  std::uint64_t system = 0;
  for (auto const& each : result.pages.classes) {
    magazine += each.from_magazine;
    depot += each.from_depot;
    system += each.from_system;
  }
  return {{"peak_bytes", result.pages.peak_committed_bytes},
          {"from_magazine", magazine},
          {"from_depot", depot},
          {"from_os", system},
          {"blocks_from_cache", result.pages.blocks_from_cache},
          {"blocks_from_os", result.pages.blocks_from_system}};
}

/// What is left when everything has ended, by where it lies.
boost::json::object memory_in(memory_account const& account) {
  boost::json::object places;
  for (std::size_t i = 0; i < memory_places; ++i) {
    auto const place = static_cast<memory_place>(i);
    memory_amount const& amount = account.of(place);
    places[to_string(place)] = boost::json::object{
        {"pieces", amount.pieces}, {"bytes", amount.bytes}, {"resident_bytes", amount.resident_bytes}};
  }
  return places;
}

boost::json::object scopes_in(run_result const& result) {
  auto const& counts = result.of->counts;
  return {{"most_live", result.of->book.most_live()},
          {"held", counts.holds.get()},
          {"nested", counts.nested_scopes.get()},
          {"pins", counts.pins.get()},
          {"ended_ids_probed", counts.ids_probed.get()}};
}

boost::json::object tasks_in(run_result const& result) {
  auto const& counts = result.of->counts;
  return {{"spawned", counts.tasks.get()},
          {"run", counts.tasks_run.get()},
          {"timers", counts.timers.get()},
          {"timers_cancelled", counts.timers_cancelled.get()},
          {"timers_dropped", result.requests.timers_dropped}};
}

}  // namespace

std::string report_json(stress_options const& options, run_result const& result) {
  auto const& counts = result.of->counts;
  std::uint64_t const wrong = result.of->violations.count();
  boost::json::object object;
  object["verdict"] = wrong == 0 ? "clean" : "wrong";
  object["violations"] = wrong;
  object["seed"] = *options.seed;
  object["mix"] = options.mix;
  object["faults_on"] = options.faults;
  object["workers"] = options.workers;
  object["submitters"] = options.submitters;
  object["begun"] = result.numbers;
  object["accepted"] = result.of->book.accepted_count();
  object["completed"] = result.of->book.completed_count();
  object["given_up"] = counts.given_up.get();
  object["elapsed_seconds"] = std::chrono::duration<double>(result.elapsed).count();
  object["stopped"] = result.stopped;
  object["kinds"] = by_name(counts.kinds, [](std::size_t i) { return to_string(static_cast<request_kind>(i)); });
  object["outcomes"] =
      by_name(counts.outcomes, [](std::size_t i) { return mayfly::to_string(static_cast<outcome_kind>(i)); });
  object["faults"] = by_name(counts.faults, [](std::size_t i) { return to_string(static_cast<fault>(i)); });
  object["refusals"] =
      by_name(counts.refusals, [](std::size_t i) { return mayfly::to_string(static_cast<admission_reason>(i)); });
  object["memory_refusals"] =
      by_name(counts.memory, [](std::size_t i) { return mayfly::to_string(static_cast<refusal>(i)); });
  object["cancels"] = counts.cancels.get();
  object["storms"] = counts.storms.get();
  object["trims"] = counts.trims.get();
  object["returned_bytes"] = counts.returned_bytes.get();
  object["written_bytes"] = counts.written_bytes.get();
  object["scopes"] = scopes_in(result);
  object["tasks"] = tasks_in(result);
  object["pages"] = pages_in(result);
  object["memory_account"] = memory_in(result.account);
  if (has_interleaving_points()) {
    boost::json::object points;
    for (auto const& each : result.points.points) points[each.name] = each.reached;
    object["interleaving_points"] = std::move(points);
  } else {
    object["interleaving_points"] = nullptr;
  }
  object["choices_digest"] = std::to_string(counts.digest.get());  // a string: beyond what doubles hold
  object["found"] = violations_in(result);
  object["repeat"] = repeat_command(options, result.numbers);
  return boost::json::serialize(object) + "\n";
}

}  // namespace mayfly::stress

#include <mayfly/schedule_point.hpp>
#include <mayfly/service/answer_window.hpp>
#include <mayfly/service/handlers.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
#include <numeric>

namespace mayfly::service {

namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::uint64_t answer_totals::failed() const {
  return std::accumulate(by_failure.begin() + 1, by_failure.end(), std::uint64_t{0});
}

answer_window::answer_window(std::size_t size, std::size_t passes, answer_file& file, std::pmr::memory_resource* memory)
    : size_(std::max<std::size_t>(size, 1)),
      mask_(std::bit_ceil(size_) - 1),
      items_(std::make_unique<work_item[]>(mask_ + 1)),
      file_(file),
      pieces_(memory),
      line_ends_(memory),
      error_line_(memory),
      wake_at_(never) {
  pieces_.reserve(256);
  line_ends_.reserve(size_);
  totals_.passes = pass_times(passes);
}

answer_window::~answer_window() = default;

work_item& answer_window::vacant() {
  // relaxed: this thread alone writes it
  std::uint64_t const next = begun_.load(std::memory_order_relaxed);
  // Waiting until half of the window is free, not one item, wakes this thread once for many requests.
  if (next - oldest_.load(std::memory_order_acquire) >= size_) wait_until_written(next - size_ / 2, false);
  // sync window-vacated: acquire (of oldest_, above and when waiting); pairs with release(); the item is ours
  return at(next);
}

void answer_window::begin(work_item& item) {
  // relaxed: this thread alone writes it, and a batch too few or too many is no error
  if (hurry_.load(std::memory_order_relaxed)) hurry_.store(false, std::memory_order_relaxed);
  // relaxed: whoever finishes the item learns of it in a way that orders this before
  item.state.store(work_item::phase::pending, std::memory_order_relaxed);
  // seq_cst: answered() must not see an item beyond those begun; see finish()
  begun_.fetch_add(1, std::memory_order_seq_cst);
}

bool answer_window::answered(std::uint64_t sequence) {
  if (sequence >= begun_.load(std::memory_order_seq_cst)) return false;
  // sync item-answered: acquire (seq_cst); pairs with finish(); reads the answer, the hold and the costs
  return at(sequence).state.load(std::memory_order_seq_cst) == work_item::phase::answered;
}

// Nobody waits here. Either this thread becomes the writer, or the writer that is at work sees the item: it looks again
// after it has stopped being the writer, and by then this store has happened. For that both need one total order: the
// store of `state` before the exchange of writing_ here, the store of writing_ before the load of `state` there.
void answer_window::finish(work_item& item) noexcept {
  // sync item-answered: release (seq_cst); pairs with answered(); publishes the answer, the hold and the costs
  item.state.store(work_item::phase::answered, std::memory_order_seq_cst);
  while (something_to_write()) {
    if (!take_turn()) return;
  }
}

/// Items that nobody has looked at; or, where batches are not waited for, a batch that was begun. For `hurry_` the same
/// holds as for `state`: the reader stores it before its exchange, the writer loads it after its store.
bool answer_window::something_to_write() {
  std::uint64_t const ready = ready_.load(std::memory_order_seq_cst);
  return answered(ready) ||
         (hurry_.load(std::memory_order_seq_cst) && ready != oldest_.load(std::memory_order_seq_cst));
}

/// False: another thread is the writer.
bool answer_window::take_turn() noexcept {
  // sync writer-turn: acquire (seq_cst); pairs with the store below; reads what the last writer left
  if (writing_.exchange(true, std::memory_order_seq_cst)) return false;
  write_what_is_due();
  MAYFLY_SCHEDULE_POINT("answer_window.before_leaving");
  // sync writer-turn: release (seq_cst); pairs with the exchange above; publishes totals, positions and the file
  writing_.store(false, std::memory_order_seq_cst);
  return true;
}

void answer_window::write_what_is_due() {
  while (gather()) write_batch();
}

/// Moves ready_ on, up to a whole batch; whether that is due.
bool answer_window::gather() {
  // relaxed: written by the holder of writing_ only
  std::uint64_t const oldest = oldest_.load(std::memory_order_relaxed);
  std::uint64_t ready = ready_.load(std::memory_order_relaxed);
  bool due = false;
  while (!due && answered(ready)) {
    ready_bytes_ += at(ready).answer.size();
    // What is not going to be written has nothing to wait for.
    due = at(ready).pass != 0 || ready_bytes_ >= write_bytes || ready + 1 - oldest >= write_count;
    ++ready;
  }
  ready_.store(ready, std::memory_order_seq_cst);
  return due || (ready != oldest && (ready == begun_.load(std::memory_order_seq_cst) ||  //
                                     hurry_.load(std::memory_order_seq_cst)));
}

void answer_window::write_batch() {
  // relaxed: written by the holder of writing_ only
  std::uint64_t const begin = oldest_.load(std::memory_order_relaxed);
  std::uint64_t const end = ready_.load(std::memory_order_relaxed);
  // relaxed: written by the holder of writing_ only. After a failure a line would stand in another one's place.
  if (!output_failed_.load(std::memory_order_relaxed) && compose(begin, end)) file_.write(pieces_, line_ends_);
  if (file_.failed() || out_of_memory_) output_failed_.store(true, std::memory_order_relaxed);
  // The requests end below, and an audit would find their addresses in the list.
  std::fill(pieces_.begin(), pieces_.end(), iovec{});
  pieces_.clear();
  line_ends_.clear();
  ready_bytes_ = 0;
  auto const now = std::chrono::steady_clock::now();
  for (std::uint64_t i = begin; i != end; ++i) count(at(i), now);
  for (std::uint64_t i = begin; i != end; ++i) release(at(i));
  // sync window-vacated: release (seq_cst); pairs with vacant() and wait_until_written(); the items are free again
  oldest_.store(end, std::memory_order_seq_cst);
  wake_reader();
}

/// Puts together what is to be written. False: nothing is, or there was no memory for it; that ends the output, but not
/// the writer's turn, or nobody would ever be the writer again.
bool answer_window::compose(std::uint64_t begin, std::uint64_t end) {
  try {
    for (std::uint64_t i = begin; i != end; ++i) add_line(at(i));
  } catch (std::bad_alloc const&) {
    out_of_memory_ = true;
  }
  return !out_of_memory_ && !line_ends_.empty();
}

void answer_window::add_line(work_item& item) {
  if (item.error.kind() != failure::none) {
    error_line_.release();
    write_error_line(item.number, item.error, item.request.file, error_line_);
    error_line_.push('\n');
    item.answer = std::move(error_line_);
  }
  if (item.pass != 0) return;
  std::size_t end = line_ends_.empty() ? 0 : line_ends_.back();
  item.answer.for_each_chunk([&](std::string_view piece) {
    pieces_.push_back({const_cast<char*>(piece.data()), piece.size()});  // writev only reads it
    end += piece.size();
  });
  line_ends_.push_back(end);
}

void answer_window::count(work_item const& item, std::chrono::steady_clock::time_point now) {
  while (totals_.passes.count() < item.pass) totals_.passes.end_pass(now);
  ++totals_.requests;
  totals_.bytes_in += item.request.text.size();
  totals_.bytes_out += item.answer.size();
  totals_.memory += item.costs.memory;
  ++totals_.by_failure[static_cast<std::size_t>(item.error.kind())];
  // relaxed: for the progress line
  if (item.error.kind() != failure::none) failed_.fetch_add(1, std::memory_order_relaxed);
  if (item.costs.took) totals_.latency.add(*item.costs.took);
}

void answer_window::release(work_item& item) {
  item.drop_answer();
  item.error = {};
  item.costs = {};
  item.deadline_at.reset();
  item.request.block.release();
  // relaxed: the reader learns of it by oldest_
  item.state.store(work_item::phase::vacant, std::memory_order_relaxed);
}

void answer_window::wait_until_written(std::uint64_t sequence, bool with_timeout) {
  std::unique_lock lock(mutex_);
  // seq_cst: the writer either sees that we wait, or we see what it wrote; see wake_reader()
  wake_at_.store(sequence, std::memory_order_seq_cst);
  auto const enough = [&] { return oldest_.load(std::memory_order_seq_cst) >= sequence; };
  if (with_timeout) {
    progress_.wait_for(lock, std::chrono::milliseconds(1), enough);
  } else {
    progress_.wait(lock, enough);
  }
  wake_at_.store(never, std::memory_order_relaxed);  // relaxed: a needless wake-up does no harm
}

void answer_window::wake_reader() {
  if (oldest_.load(std::memory_order_relaxed) < wake_at_.load(std::memory_order_seq_cst)) return;
  {
    std::scoped_lock const lock(mutex_);
  }  // so that the reader is either before its check or asleep
  progress_.notify_one();
}

void answer_window::wait_for_progress() { wait_until_written(oldest_.load(std::memory_order_relaxed) + 1, true); }

void answer_window::wait_for_room() {
  std::uint64_t const before = oldest_.load(std::memory_order_relaxed);
  hurry_.store(true, std::memory_order_seq_cst);  // before the exchange in take_turn(): see something_to_write()
  while (something_to_write() && take_turn()) {
  }
  wait_until_written(before + 1, true);
}

bool answer_window::only_last_is_left() const {
  return oldest_.load(std::memory_order_acquire) + 1 == begun_.load(std::memory_order_relaxed);
}

void answer_window::wait_until_empty() { wait_until_written(begun_.load(std::memory_order_relaxed), false); }

bool answer_window::empty() const {
  return oldest_.load(std::memory_order_acquire) == begun_.load(std::memory_order_relaxed);
}

}  // namespace mayfly::service

#include "train/run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <memory>
#include <set>

#include "backbone/device.h"
#include "core/error.h"
#include "core/memory.h"
#include "train/run_session.h"

namespace telora {

namespace {

// A run while it goes on. The profile is there if one was asked for.
struct Seat {
  std::unique_ptr<Profile> profile;
  std::unique_ptr<RunSession> session;  // empty once it has ended
};

void check_folders(const std::vector<RunRequest>& requests) {
  std::set<std::filesystem::path> seen;
  for (const RunRequest& request : requests) {
    if (seen.insert(std::filesystem::weakly_canonical(request.out)).second) continue;
    fail(ErrorKind::kUsage, {request.out.string(), ""}, "the folder of two runs", "one folder each",
         "name every run once");
  }
}

void check(const std::vector<RunRequest>& requests) {
  std::vector<const Recipe*> recipes;
  for (const RunRequest& request : requests) recipes.push_back(&request.recipe);
  require_same_backbone(recipes);
  check_folders(requests);
}

// Data and folders before the backbone: what is wrong with them is known in a moment.
std::vector<RunFolder> prepare(const std::vector<RunRequest>& requests, Workbench& bench) {
  for (const RunRequest& request : requests) bench.rows(request.recipe);
  std::vector<RunFolder> folders;
  for (const RunRequest& request : requests) {
    folders.push_back(request.resume ? RunFolder::resume(request.out)
                                     : RunFolder::create(request.out));
  }
  bench.load(requests[0].recipe);
  return folders;
}

std::vector<Seat> open_sessions(const std::vector<RunRequest>& requests,
                                const std::vector<RunWatcher>& watchers, Workbench& bench) {
  std::vector<Seat> seats(requests.size());
  for (size_t i = 0; i < seats.size(); ++i) {
    if (requests[i].profile) seats[i].profile = std::make_unique<Profile>();
  }
  std::vector<RunFolder> folders = [&] {
    const ProfileUse use(seats[0].profile.get());
    return prepare(requests, bench);
  }();
  for (size_t i = 0; i < seats.size(); ++i) {
    const ProfileUse use(seats[i].profile.get());
    seats[i].session = std::make_unique<RunSession>(requests[i], watchers[i], std::move(folders[i]),
                                                    bench, seats[i].profile.get());
  }
  for (const Seat& seat : seats) seat.session->begin();
  return seats;
}

std::optional<RunResult> take_turn(const Seat& seat) {
  const ProfileUse use(seat.profile.get());
  try {
    return seat.session->advance();
  } catch (...) {
    return RunResult{.end = RunEnd::kFailed,
                     .folder = seat.session->folder(),
                     .failure = std::current_exception()};
  }
}

std::vector<RunResult> take_turns(std::vector<Seat> seats) {
  std::vector<RunResult> results(seats.size());
  for (size_t left = seats.size(); left > 0;) {
    for (size_t i = 0; i < seats.size(); ++i) {
      if (!seats[i].session) continue;
      auto result = take_turn(seats[i]);
      if (!result) continue;
      results[i] = *std::move(result);
      seats[i].session.reset();  // its memory and the lock of its folder
      --left;
    }
  }
  return results;
}

}  // namespace

std::vector<RunResult> train_together(const std::vector<RunRequest>& requests,
                                      const std::vector<RunWatcher>& watchers) {
  check(requests);
  open_device(requests[0].recipe.device);  // before data is read and a folder is made
  const int64_t threads = requests[0].recipe.threads;
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  Workbench bench(watchers[0].on_note);
  std::vector<Seat> seats = open_sessions(requests, watchers, bench);
  keep_freed_memory();  // the model is loaded: what comes now is the same from step to step
  return take_turns(std::move(seats));
}

RunResult run_training(const RunRequest& request, const RunWatcher& watcher) {
  RunResult result = train_together({request}, {watcher})[0];
  if (result.failure) std::rethrow_exception(result.failure);
  return result;
}

}  // namespace telora

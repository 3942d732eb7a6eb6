#include "worker_doctor.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <iostream>
#include <thread>

#include "commands.hpp"
#include "doctor_command.hpp"
#include "ranks.hpp"
#include "unroll/base/error.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/learn/lane_pack.hpp"
#include "worker_gpu.hpp"

namespace unroll::app {
namespace {

constexpr double kMeasure_s = 4;
constexpr int kMinSteps = 3, kMaxSteps = 200;

std::string name_of(mpi::ThreadLevel level) {
  switch (level) {
    case mpi::ThreadLevel::single:
      return "SINGLE";
    case mpi::ThreadLevel::funneled:
      return "FUNNELED";
    case mpi::ThreadLevel::serialized:
      return "SERIALIZED";
    case mpi::ThreadLevel::multiple:
      break;
  }
  return "MULTIPLE";
}

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// One model of a study and the step that is timed.
class Trainee {
 public:
  Trainee(execute::Context& context, const plan::Tree& tree) : steps_(1) {
    const auto& settings = context.cell(tree.cell);
    const auto& description = context.plan().description(tree.cell);
    const auto network = model::make_network(settings.model, description.shape, description.num_classes);
    const auto order = context.plan().order_of(tree);
    auto rows = std::make_shared<const std::vector<std::int64_t>>(order.batch(0));
    const auto count = static_cast<double>(rows->size());
    steps_[0] = {learn::Action::train, std::move(rows), count};
    const auto hyper = learn::hyper_of(settings, tree.schedule_steps, order.steps_per_epoch());
    pack_ = std::make_unique<learn::LanePack>(network, context.data(tree), settings.model, std::vector{hyper}, 1);
    pack_->set_state(0, model::initial_state(network->layout(), 0, data::scalar_type(settings.model.dtype)));
  }
  void step() { pack_->step(0, steps_); }

 private:
  std::vector<learn::LaneStep> steps_;
  std::unique_ptr<learn::LanePack> pack_;
};

/// Steps a second of all models together, each trained by a thread of the process with `threads` threads of its own.
double steps_per_second(execute::Context& context, const plan::Tree& tree, int models, int threads) {
  std::vector<std::unique_ptr<Trainee>> trainees;
  for (int i = 0; i < models; ++i) {
    trainees.push_back(std::make_unique<Trainee>(context, tree));
  }
  at::set_num_threads(threads);
  trainees.front()->step();  // allocates, and chooses kernels
  const double start_s = now_s();
  trainees.front()->step();
  const int steps = std::clamp(static_cast<int>(kMeasure_s / (now_s() - start_s)), kMinSteps, kMaxSteps);
  std::barrier begin(models + 1), end(models + 1);
  std::vector<std::jthread> workers;
  for (int i = 0; i < models; ++i) {
    workers.emplace_back([&, i] {
      at::set_num_threads(threads);
      trainees[static_cast<std::size_t>(i)]->step();
      begin.arrive_and_wait();
      for (int step = 0; step < steps; ++step) {
        trainees[static_cast<std::size_t>(i)]->step();
      }
      end.arrive_and_wait();
    });
  }
  begin.arrive_and_wait();
  const double begin_s = now_s();
  end.arrive_and_wait();
  return models * steps / (now_s() - begin_s);
}

std::optional<Timing> measure(const Prepared& prepared, std::int64_t num_cores) {
  const auto& plan = prepared.plan;
  const auto tree = std::find_if(plan.trees.begin(), plan.trees.end(), [&](const plan::Tree& candidate) {
    const auto arch = plan.cells[candidate.cell].model.arch;
    return arch == config::Arch::resnet18 || arch == config::Arch::vgg19;
  });
  if (tree == plan.trees.end()) {
    return std::nullopt;
  }
  std::cerr << "unroll: training a model of this study for some seconds, to compare ranks with threads\n" << std::flush;
  execute::Context context(plan);
  const auto& cell = plan.cells[tree->cell];
  const std::string arch = cell.model.arch == config::Arch::resnet18 ? "resnet18" : "vgg19";
  Timing timing{arch + ", batch " + std::to_string(cell.train.batch), num_cores, 0, 0};
  timing.steps_of_ranks = steps_per_second(context, *tree, static_cast<int>(num_cores), 1);
  timing.steps_of_threads = steps_per_second(context, *tree, 1, static_cast<int>(num_cores));
  return timing;
}

/// The study on every rank; what stops one stops all, with one message.
std::optional<Prepared> study_together(const mpi::Communicator& world, const std::vector<std::string>& arguments) {
  std::optional<Prepared> prepared;
  std::string error;
  try {
    prepared = doctor_study(arguments, ForeignFiles::walked);
  } catch (const UsageError& usage) {
    error = usage.what();
  }
  for (const auto& other : world.all_gather(error)) {
    if (!other.empty()) {
      throw UsageError(other);
    }
  }
  return prepared;
}

}  // namespace

int doctor(const mpi::Communicator& world, mpi::ThreadLevel provided, const std::string& started_by,
           const std::vector<std::string>& arguments) {
  const auto prepared = study_together(world, arguments);
  const auto needs = needs_of(prepared);
  const std::int64_t threads = needs ? needs->threads : 1;
  execute::set_up_numerics(threads, false);
  Machine machine = this_machine(world.rank());
  machine.numerics_key = execute::numerics_key(threads, false, "");
  machine.gpus = gpu_lines();
  const std::string mpi_version = mpi::library_version();
  Job job = new_job(started_by, std::string(", LibTorch ") + TORCH_VERSION + " (" + at::get_cpu_capability() + "), " +
                                    mpi_version.substr(0, mpi_version.find_first_of(",\n")));
  job.thread_level = name_of(provided);
  for (const auto& text : world.all_gather(encode(machine))) {
    job.ranks.push_back(decode_machine(text));
  }
  if (world.rank() != 0) {
    return kExitComplete;
  }
  const Room room = rooms(job, needs).front();
  const bool fits = room.by_memory == 0 || room.by_memory >= room.by_cores;
  std::optional<Timing> timing;
  if (prepared && world.size() == 1 && room.by_cores > 1 && fits) {
    timing = measure(*prepared, room.by_cores);
  }
  std::cout << doctor_text(job, needs, timing, terminal_width()) << std::flush;
  return kExitComplete;
}

}  // namespace unroll::app
